//! Reports that were made without the service, imported by a person.

use crate::bundle::{change, commands, save, shell};
use crate::rig::{Service, Station, receipt, refused};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use report::api::{Imported, NAMESPACE_REPORT, NAMESPACE_REQUEST, Receipt};
use report::sign::StationKey;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use uuid::Uuid;

const UNKNOWN: &str = "the station was not known to the service when the report was made";

fn stranger() -> Station {
    Station {
        key: StationKey::generate().unwrap(),
    }
}

/// A report of this station in `folder`, as raz writes it; its id and bytes.
fn write(folder: &Path, station: &Station) -> (Uuid, String) {
    let (id, report) = station.report();
    (id, write_this(folder, station, &report))
}

fn write_this(folder: &Path, station: &Station, report: &Value) -> String {
    let bytes = format!("{}\n", serde_json::to_string_pretty(report).unwrap());
    let signature = station.key.sign(NAMESPACE_REPORT, bytes.as_bytes());
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("report.json"), &bytes).unwrap();
    fs::write(folder.join("report.json.sig"), signature.unwrap()).unwrap();
    bytes
}

/// Exit status, standard output and standard error of `import --by Camille`.
fn import(service: &Service, folder: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let folder = folder.to_str().unwrap();
    let output = service.command(&[&["import", "--by", "Camille", folder], more].concat());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn confirmed(service: &Service, folder: &Path, station: &Station) -> String {
    let fingerprint = station.key.fingerprint();
    let (status, out, err) = import(service, folder, &["--fingerprint", &fingerprint]);
    assert_eq!(status, Some(0), "{out}{err}");
    out
}

fn receipt_of(service: &Service, id: Uuid) -> Receipt {
    let response = service.get(&format!("/reports/{id}/receipt.json"));
    assert_eq!(response.status(), 200);
    serde_json::from_slice(&response.bytes().unwrap()).unwrap()
}

fn stored(service: &Service) -> String {
    let said = service.run(&["receipts", "verify"]);
    let rest = said.strip_prefix("receipts verified: ").unwrap();
    rest.split(" the last is").next().unwrap().to_owned()
}

#[test]
fn imported_report_says_so_in_its_receipt_on_every_page_and_in_the_chain() {
    let (folder, service) = Service::fresh();
    let station = stranger();
    let out = folder.path().join("out");
    let (id, bytes) = write(&out, &station);
    let fingerprint = station.key.fingerprint();
    let given = ["--fingerprint", &fingerprint, "--reason", "pas de <réseau>"];
    let (status, said, _) = import(&service, &out, &given);
    assert_eq!(status, Some(0));
    assert_eq!(
        said.trim(),
        format!("report {id} imported by Camille, receipt 1: drives verified 1 of 3")
    );
    assert_eq!(service.stored(id), bytes.as_bytes());

    let receipt = receipt_of(&service, id);
    assert_eq!(receipt.station_fingerprint, fingerprint);
    let imported = Imported {
        by: "Camille".into(),
        reason: Some("pas de <réseau>".into()),
        station: "not known to the service when the report was made".into(),
    };
    assert_eq!(receipt.imported.as_deref(), Some(&imported));

    let list = service.page("/?lang=en");
    let machine = list.split("href=\"/machines/").nth(1).unwrap();
    let machine = machine.split('?').next().unwrap();
    let one = service.page(&format!("/reports/{id}?lang=en"));
    for page in [
        &list,
        &one,
        &service.page(&format!("/machines/{machine}?lang=en")),
    ] {
        assert!(page.contains("imported by <bdi>Camille</bdi> on"), "{page}");
        assert!(page.contains(UNKNOWN), "{page}");
        assert!(page.contains("1 / 3, <strong>imported</strong>"), "{page}");
        assert!(!page.contains('✓'), "{page}");
        assert!(!page.contains("<strong>verified</strong>"), "{page}");
    }
    assert!(one.contains("verified, by an imported report of an unknown station"));
    assert!(one.contains("pas de &lt;réseau&gt;"));
    let french = service.page(&format!("/reports/{id}"));
    assert!(french.contains("importé par <bdi>Camille</bdi> le"));
    assert!(french.contains("n’était pas connue du service quand le rapport a été fait"));
    assert!(!french.contains("signé par la station"));
    assert!(stored(&service).starts_with("1, 1 of them of reports that a person imported"));

    // The same report of an accepted station says none of it.
    let known = service.accepted();
    let (id, report) = known.report();
    let signed = known.sign_report(report.to_string().as_bytes());
    crate::rig::receipt(service.upload(&signed), 201);
    assert_eq!(receipt_of(&service, id).imported, None);
    let page = service.page(&format!("/reports/{id}?lang=en"));
    let (shown, history) = page.split_once("All reports of this machine").unwrap();
    assert!(shown.contains('✓') && shown.contains("<strong>verified</strong>"));
    assert!(!shown.contains("imported"), "{shown}");
    assert_eq!(history.matches("<strong>imported</strong>").count(), 1);
}

/// Who has the key of a stick, or of a PC, makes another report one day.
#[test]
fn import_covers_the_imported_report_and_no_later_one_of_its_key() {
    let (folder, service) = Service::fresh();
    let station = stranger();
    let out = folder.path().join("out");
    let (id, bytes) = write(&out, &station);
    confirmed(&service, &out, &station);

    let (later_id, later) = station.report();
    let signed = station.sign_report(later.to_string().as_bytes());
    refused(service.upload(&signed), 401);
    let other = folder.path().join("other");
    write_this(&other, &station, &later);
    let (status, _, words) = import(&service, &other, &[]);
    assert!(
        status == Some(1) && words.contains("nobody confirmed"),
        "{words}"
    );
    assert_eq!(service.get(&format!("/reports/{later_id}")).status(), 404);

    // No list of signers knows the key, and so no list makes ssh-keygen believe what it signs.
    let blob = station.key.public_line("");
    let blob = blob.split(' ').nth(1).unwrap();
    assert!(!service.run(&["allowed-signers"]).contains(blob));
    let bundle = tempfile::tempdir().unwrap();
    save(&service, id, bundle.path());
    let signers = fs::read_to_string(bundle.path().join("allowed_signers")).unwrap();
    assert!(!signers.contains(blob), "{signers}");
    let find = "ssh-keygen -Y find-principals -f allowed_signers -s report.json.sig";
    assert!(!shell(bundle.path(), find).status.success());

    // What the page says to check holds, and says whose key it is.
    let page = service.page(&format!("/reports/{id}?lang=en"));
    let commands = commands(&page);
    assert_eq!(commands.len(), 3, "{commands:?}");
    for command in &commands {
        let output = shell(bundle.path(), command);
        assert!(output.status.success(), "{command}: {output:?}");
    }
    let said = shell(bundle.path(), &commands[0]).stdout;
    let fingerprint = station.key.fingerprint();
    assert!(String::from_utf8_lossy(&said).contains(&fingerprint));
    assert!(page.contains(&fingerprint));
    fs::write(
        bundle.path().join("report.json"),
        bytes.replace("verified", "Verified"),
    )
    .unwrap();
    assert!(!shell(bundle.path(), &commands[0]).status.success());
}

#[test]
fn signature_by_ssh_keygen_is_taken() {
    let (folder, service) = Service::fresh();
    let station = stranger();
    let out = folder.path().join("out");
    let (id, _) = write(&out, &station);
    fs::remove_file(out.join("report.json.sig")).unwrap();
    let key = folder.path().join("key");
    station.key.write_new(&key).unwrap();
    let signed = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-n", NAMESPACE_REPORT, "-f"])
        .args([&key, &out.join("report.json")])
        .output()
        .unwrap();
    assert!(signed.status.success(), "{signed:?}");
    let said = confirmed(&service, &out, &station);
    assert!(said.contains(&id.to_string()), "{said}");
}

#[test]
fn without_its_fingerprint_a_report_is_not_imported_and_the_fingerprint_is_not_told() {
    let (folder, service) = Service::fresh();
    let station = stranger();
    let out = folder.path().join("out");
    let (id, _) = write(&out, &station);
    let fingerprint = station.key.fingerprint();
    // A slip in the last sign, as an eye makes it.
    let (all, last) = fingerprint.split_at(fingerprint.len() - 1);
    let slip = format!("{all}{}", if last == "A" { "B" } else { "A" });
    let other = stranger().key.fingerprint();
    for (given, word) in [
        (vec![], "nobody confirmed its key"),
        (vec!["--fingerprint", &other], "none of those given"),
        (
            vec!["--fingerprint", &other, "--fingerprint", &slip],
            "agrees in its first 42 signs",
        ),
    ] {
        let (status, _, words) = import(&service, &out, &given);
        assert_eq!(status, Some(1), "{words}");
        assert!(words.contains(word), "{words}");
        assert!(
            words.contains("\"LENOVO ThinkPad T480 PF0TEST1\""),
            "{words}"
        );
        assert!(!words.contains(&fingerprint), "{words}");
    }
    for wrong in ["SHA256:short", ""] {
        assert_eq!(
            import(&service, &out, &["--fingerprint", wrong]).0,
            Some(2),
            "{wrong}"
        );
    }
    assert_eq!(stored(&service), "0,");
    assert_eq!(service.get(&format!("/reports/{id}")).status(), 404);

    // As somebody wrote it down, in groups.
    let groups: Vec<String> = fingerprint.as_bytes()["SHA256:".len()..]
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    let (status, _, words) = import(&service, &out, &["--fingerprint", &groups.join(" ")]);
    assert_eq!(status, Some(0), "{words}");
}

#[test]
fn report_that_is_here_is_not_stored_twice_whoever_imports_it() {
    let (folder, service) = Service::fresh();
    let station = stranger();
    let out = folder.path().join("out");
    let (id, mut report) = station.report();
    write_this(&out, &station, &report);
    confirmed(&service, &out, &station);
    let first = receipt_of(&service, id);
    let path = out.to_str().unwrap();
    let again = service.run(&["import", "--by", "Dominique", path]);
    assert_eq!(again, format!("report {id} is here already, receipt 1"));
    assert_eq!(receipt_of(&service, id), first);

    report["lot"] = "other".into();
    write_this(&out, &station, &report);
    let given = ["--fingerprint", &station.key.fingerprint()];
    let (status, _, words) = import(&service, &out, &given);
    assert!(
        status == Some(1) && words.contains("another report is here"),
        "{words}"
    );
    assert_eq!(receipt_of(&service, id), first);
    assert!(stored(&service).starts_with("1, "));
}

#[test]
fn report_of_a_station_is_not_imported_around_the_persons_decision_on_it() {
    let (folder, service) = Service::fresh();
    let station = service.pending();
    let fingerprint = station.key.fingerprint();
    let out = folder.path().join("out");
    write(&out, &station);
    let refused = |words: &str| {
        let (status, _, said) = import(&service, &out, &["--fingerprint", &fingerprint]);
        assert!(
            status == Some(1) && said.contains(words),
            "{words:?}: {said}"
        );
        assert_eq!(stored(&service), "0,");
    };
    refused("accept it (`station accept`)");
    service.run(&["station", "accept", &fingerprint]);
    refused("accepted station banc-2: `raz upload");
    service.run(&["station", "revoke", &fingerprint]);
    refused("revoked station banc-2: no report of it is taken any more");
}

/// The PC was still on, the network came, and a person accepted the station.
#[test]
fn imported_report_stays_imported_when_its_station_is_accepted_later_and_sends_it() {
    let (folder, service) = Service::fresh();
    let station = stranger();
    let out = folder.path().join("out");
    let (id, bytes) = write(&out, &station);
    confirmed(&service, &out, &station);
    let token = service.run(&["token", "new"]);
    assert_eq!(service.enrol(&station, &token).status(), 201);
    let signed = station.sign_report(bytes.as_bytes());
    refused(service.upload(&signed), 403);
    service.run(&["station", "accept", &station.key.fingerprint()]);
    let again = receipt(service.upload(&signed), 200);
    let again: Receipt =
        serde_json::from_slice(&STANDARD.decode(again.bytes_base64).unwrap()).unwrap();
    assert!(again.imported.is_some());
    let later = station.sign_report(station.report().1.to_string().as_bytes());
    receipt(service.upload(&later), 201);

    let page = service.page(&format!("/reports/{id}?lang=en"));
    assert!(page.contains(UNKNOWN) && !page.contains("is signed by the station"));
    let bundle = tempfile::tempdir().unwrap();
    save(&service, id, bundle.path());
    let signers = fs::read_to_string(bundle.path().join("allowed_signers")).unwrap();
    assert_eq!(signers.lines().count(), 1, "{signers}");
    assert!(stored(&service).starts_with("2, 1 of them"));
}

#[test]
fn imported_report_whose_numbers_do_not_bear_its_word_is_contradictory() {
    let (folder, service) = Service::fresh();
    let station = stranger();
    let (id, mut report) = station.report();
    report["drives"][0]["erasure"]["passes"][0]["verification"] = Value::Null;
    let out = folder.path().join("out");
    write_this(&out, &station, &report);
    let said = confirmed(&service, &out, &station);
    assert!(said.ends_with("drives verified 0 of 3\n"), "{said}");
    let page = service.page(&format!("/reports/{id}?lang=en"));
    assert!(page.contains("contradictory, not proven"));
}

/// As a stick's folder `reports` may be: whatever stands in it, the good report gets in, and each other
/// one is named.
#[test]
fn hostile_folder_is_named_piece_by_piece_and_hides_no_good_report() {
    let (folder, service) = Service::fresh();
    let station = stranger();
    let all = folder.path().join("reports");
    let mut bad: Vec<(PathBuf, &str)> = Vec::new();
    let mut spoil = |name: &str, word: &'static str, how: &dyn Fn(&Path)| {
        let one = all.join(name);
        write(&one, &station);
        how(&one);
        bad.push((one, word));
    };
    let report = |one: &Path| one.join("report.json");
    let signature = |one: &Path| one.join("report.json.sig");
    let fifo = |path: PathBuf| {
        fs::remove_file(&path).unwrap();
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
    };
    let outside = folder.path().join("outside");
    write(&outside, &station);
    spoil("link", "a link, which is not followed", &|one| {
        fs::remove_file(report(one)).unwrap();
        symlink(report(&outside), report(one)).unwrap();
    });
    spoil("fifo", "not a regular file", &|one| fifo(report(one)));
    spoil("fifo-signature", "not a regular file", &|one| {
        fifo(signature(one));
    });
    spoil("huge", "more than 12582912 bytes", &|one| {
        let file = fs::OpenOptions::new()
            .write(true)
            .open(report(one))
            .unwrap();
        file.set_len(1 << 40).unwrap();
    });
    spoil("folder", "not a regular file", &|one| {
        fs::remove_file(report(one)).unwrap();
        fs::create_dir(report(one)).unwrap();
    });
    spoil("changed", "does not fit these bytes", &|one| {
        let text = fs::read_to_string(report(one)).unwrap();
        fs::write(report(one), text.replace("verified", "Verified")).unwrap();
    });
    spoil(
        "other-purpose",
        "the signature is for the namespace",
        &|one| {
            let bytes = fs::read(report(one)).unwrap();
            let signed = station.key.sign(NAMESPACE_REQUEST, &bytes).unwrap();
            fs::write(signature(one), signed).unwrap();
        },
    );
    spoil("other-key", "names another station's key", &|one| {
        let bytes = fs::read(report(one)).unwrap();
        let signed = stranger().key.sign(NAMESPACE_REPORT, &bytes).unwrap();
        fs::write(signature(one), signed).unwrap();
    });
    spoil("no-report", "not a report of raz-report@v1", &|one| {
        let signed = station.key.sign(NAMESPACE_REPORT, b"{}").unwrap();
        fs::write(report(one), "{}").unwrap();
        fs::write(signature(one), signed).unwrap();
    });
    spoil("steers", "unknown variant `?[2J", &|one| {
        let (_, mut report) = station.report();
        report["mode"] = format!("\u{1b}[2J{}", "x".repeat(1 << 20)).into();
        write_this(one, &station, &report);
    });
    spoil("garbage", "not an SSH signature", &|one| {
        fs::write(signature(one), b"\xff\xfe").unwrap();
    });
    spoil("half", "report.json.sig\": reading", &|one| {
        fs::remove_file(signature(one)).unwrap();
    });
    let (good, _) = write(&all.join(OsStr::from_bytes(b"\xff\x1b[2J")), &station);
    symlink(&outside, all.join("link-to-folder")).unwrap();
    bad.push((all.join("link-to-folder"), "a link, which is not followed"));
    fs::write(all.join("a file beside them"), "").unwrap();

    let fingerprint = station.key.fingerprint();
    let (status, out, err) = import(&service, &all, &["--fingerprint", &fingerprint]);
    assert_eq!(status, Some(1), "{err}");
    assert!(
        out.starts_with(&format!("report {good} imported")),
        "{out}{err}"
    );
    for (path, word) in &bad {
        let path = path.to_str().unwrap();
        let named =
            |line: &&str| line.contains(&format!("{path}\"")) || line.contains(&format!("{path}/"));
        let line = err.lines().find(named);
        let line = line.unwrap_or_else(|| panic!("{path} is not named: {err}"));
        assert!(line.contains(word), "{word:?}: {line}");
    }
    assert!(
        err.contains(&format!("{} not imported", bad.len())),
        "{err}"
    );
    assert!(!out.contains('\x1b') && !err.contains('\x1b'));
    assert!(err.len() < 1 << 15, "{} bytes", err.len());
    assert!(stored(&service).starts_with("1, "));

    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    for folder in [&empty, &folder.path().join("missing")] {
        let (status, _, err) = import(&service, folder, &[]);
        let named = err.contains(folder.to_str().unwrap());
        assert!(status == Some(1) && named, "{err}");
    }
}

#[test]
fn name_and_reason_are_bounded_text_and_do_nothing_on_a_page() {
    let (folder, service) = Service::fresh();
    let station = stranger();
    let out = folder.path().join("out");
    let (id, _) = write(&out, &station);
    let fingerprint = station.key.fingerprint();
    let path = out.to_str().unwrap();
    let run = |by: &str| {
        let given = ["import", "--by", by, "--fingerprint", &fingerprint, path];
        service.command(&given).status.code()
    };
    for wrong in ["", "  ", "a\nb", "a\u{1b}[2J", &"x".repeat(201)] {
        assert_eq!(run(wrong), Some(2), "{wrong:?}");
    }
    assert_eq!(run("<script>\u{202e}'); DROP TABLE report; --"), Some(0));
    for path in ["/".to_owned(), format!("/reports/{id}")] {
        let page = service.page(&path);
        assert!(page.contains("<bdi>&lt;script&gt;\u{202e}"), "{page}");
    }
    assert!(stored(&service).starts_with("1, "));
}

#[test]
fn receipts_verify_finds_an_import_that_passes_for_a_stations_report_or_has_another_name() {
    let (folder, service) = Service::fresh();
    let (station, known) = (stranger(), service.accepted());
    let out = folder.path().join("out");
    write(&out, &station);
    confirmed(&service, &out, &station);
    let sent = known.sign_report(known.report().1.to_string().as_bytes());
    receipt(service.upload(&sent), 201);
    assert!(stored(&service).starts_with("2, 1 of them"));
    for (sql, back, place) in [
        (
            "UPDATE report SET imported_by = 'Dominique' WHERE number = 1",
            "UPDATE report SET imported_by = 'Camille' WHERE number = 1",
            "receipt 1: who brought its report",
        ),
        (
            "UPDATE report SET import_reason = 'because' WHERE number = 1",
            "UPDATE report SET import_reason = NULL WHERE number = 1",
            "receipt 1: who brought its report",
        ),
        (
            "UPDATE report SET imported_by = 'Camille' WHERE number = 2",
            "UPDATE report SET imported_by = NULL WHERE number = 2",
            "receipt 2: who brought its report",
        ),
        (
            "UPDATE report SET imported_by = NULL WHERE number = 1",
            "UPDATE report SET imported_by = 'Camille' WHERE number = 1",
            "receipt 1: database row: a report's station is gone",
        ),
    ] {
        change(folder.path(), sql);
        let output = service.command(&["receipts", "verify"]);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code() == Some(1) && words.contains(place),
            "{words}"
        );
        change(folder.path(), back);
    }
    // As a station of the same key, which somebody accepted: its receipt says otherwise still.
    let token = service.run(&["token", "new"]);
    assert_eq!(service.enrol(&station, &token).status(), 201);
    change(
        folder.path(),
        "UPDATE report SET imported_by = NULL WHERE number = 1",
    );
    let output = service.command(&["receipts", "verify"]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        words.contains("receipt 1: who brought its report"),
        "{words}"
    );
}

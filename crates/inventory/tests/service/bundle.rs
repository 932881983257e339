//! What an auditor does with the downloads: only `ssh-keygen`, with the commands of the page.

use crate::rig::{Service, receipt};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use uuid::Uuid;

const FILES: [&str; 6] = [
    "report.json",
    "report.json.sig",
    "allowed_signers",
    "allowed_signers.sig",
    "receipt.json",
    "receipt.json.sig",
];

pub fn save(service: &Service, report_id: Uuid, folder: &Path) {
    for file in FILES {
        let response = service.get(&format!("/reports/{report_id}/{file}"));
        assert_eq!(response.status(), 200, "{file}");
        let headers = response.headers();
        let attachment = format!("attachment; filename=\"{file}\"");
        assert_eq!(headers["content-disposition"], attachment.as_str());
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let kind = headers["content-type"].to_str().unwrap();
        assert!(
            ["application/json", "application/octet-stream"].contains(&kind),
            "{kind}"
        );
        std::fs::write(folder.join(file), response.bytes().unwrap()).unwrap();
    }
}

/// The commands that the page shows, as a person would copy them.
pub fn commands(page: &str) -> Vec<String> {
    let unescape = |text: &str| {
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&amp;", "&")
    };
    page.split("<code>")
        .skip(1)
        .filter_map(|rest| rest.split_once("</code>"))
        .map(|(command, _)| unescape(command))
        .filter(|command| command.starts_with("ssh-keygen "))
        .collect()
}

pub fn shell(folder: &Path, command: &str) -> Output {
    Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn commands_of_the_page_verify_the_downloads_and_reject_a_changed_byte() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let (id, report) = station.report();
    receipt(
        service.upload(&station.sign_report(report.to_string().as_bytes())),
        201,
    );
    let bundle = tempfile::tempdir().unwrap();
    save(&service, id, bundle.path());
    let page = service.page(&format!("/reports/{id}"));
    let commands = commands(&page);
    assert_eq!(commands.len(), 3, "{commands:?}");
    for command in &commands {
        let output = shell(bundle.path(), command);
        assert!(output.status.success(), "{command}: {output:?}");
    }
    let list = shell(bundle.path(), &commands[2]);
    assert!(
        String::from_utf8_lossy(&list.stdout).contains(&service.service_key),
        "{list:?}"
    );
    assert!(page.contains(&service.service_key));

    for (file, command) in ["report.json", "receipt.json", "allowed_signers"]
        .into_iter()
        .zip(&commands)
    {
        let path = bundle.path().join(file);
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[10] ^= 1;
        std::fs::write(&path, bad).unwrap();
        assert!(!shell(bundle.path(), command).status.success(), "{command}");
        std::fs::write(&path, good).unwrap();
    }
}

#[test]
fn reports_from_before_a_revocation_verify_at_their_time_only() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let (id, report) = station.report();
    receipt(
        service.upload(&station.sign_report(report.to_string().as_bytes())),
        201,
    );
    service.run(&["station", "revoke", &station.key.fingerprint()]);
    let bundle = tempfile::tempdir().unwrap();
    save(&service, id, bundle.path());
    let commands = commands(&service.page(&format!("/reports/{id}")));
    let output = shell(bundle.path(), &commands[0]);
    assert!(output.status.success(), "{}: {output:?}", commands[0]);
    let (before, rest) = commands[0].split_once("verify-time=").unwrap();
    let (_, after) = rest.split_once(' ').unwrap();
    let later = shell(
        bundle.path(),
        &format!("{before}verify-time=20990101000000Z {after}"),
    );
    assert!(!later.status.success(), "{later:?}");
}

#[test]
fn allowed_signers_of_the_command_line_are_signed_by_the_service() {
    let (folder, service) = Service::fresh();
    let (accepted, pending) = (service.accepted(), service.pending());
    let listed = service.run(&["allowed-signers"]);
    let blob = |line: String| line.split(' ').nth(1).unwrap().to_owned();
    assert!(
        listed.contains(&blob(accepted.key.public_line(""))),
        "{listed}"
    );
    assert!(
        !listed.contains(&blob(pending.key.public_line(""))),
        "{listed}"
    );
    assert!(listed.contains("valid-after=\"20"), "{listed}");
    let out = folder.path().join("signers");
    service.run(&["allowed-signers", "--out", out.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(&out).unwrap().trim(), listed);
    let checked = shell(
        folder.path(),
        "ssh-keygen -Y verify -f signers -I raz-inventory -n raz-allowed-signers@v1 \
         -s signers.sig < signers",
    );
    assert!(checked.status.success(), "{checked:?}");
}

/// Whoever can write to the database.
pub fn change(folder: &Path, sql: &'static str) {
    let path = folder.join("data/inventory.sqlite");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        use sqlx::{ConnectOptions, Connection};
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
        let mut connection = options.connect().await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

#[test]
fn receipts_verify_finds_a_changed_and_a_removed_report() {
    let (folder, service) = Service::fresh();
    let station = service.accepted();
    for _ in 0..3 {
        let (_, report) = station.report();
        receipt(
            service.upload(&station.sign_report(report.to_string().as_bytes())),
            201,
        );
    }
    drop(service);
    let change = |sql: &'static str| change(folder.path(), sql);
    let verify = || {
        let service = crate::rig::start(folder.path());
        let output = service.command(&["receipts", "verify"]);
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    assert_eq!(verify().0, Some(0));
    change("UPDATE report SET bytes = CAST(bytes || ' ' AS BLOB) WHERE number = 2");
    let (code, words) = verify();
    assert!(code == Some(1) && words.contains("receipt 2"), "{words}");
    change("DELETE FROM report WHERE number = 1");
    let (code, words) = verify();
    assert!(code == Some(1) && words.contains("receipt 1"), "{words}");
}

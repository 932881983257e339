//! A PC without the service: `raz wipe --report` on a loop device, its folder carried to the inventory
//! and imported by a person with the fingerprint that raz showed.
//!
//! Needs root, loop devices, and `cargo build -p inventory`.

use std::fs;
use std::process::Command;

use anyhow::{Context, ensure};
use lab::erased::{Erased, run};
use lab::service::Service;
use report::api::Receipt;

#[test]
fn report_of_a_pc_without_the_service_is_imported_by_the_fingerprint_that_raz_showed()
-> anyhow::Result<()> {
    let erased = Erased::new("import", 3 * (1 << 20) + 7 * 512, 512, &[])?;
    let service = Service::start(&erased.bench)?;
    let folder = erased.folder.to_str().context("the folder's name")?;
    let given = ["import", "--by", "Camille", folder];
    let unseen = service.command(&given).unwrap_err().to_string();
    ensure!(unseen.contains("nobody confirmed its key"), "{unseen}");

    let said = &erased.said;
    ensure!(
        said.contains("`raz-inventory import` asks for it"),
        "{said}"
    );
    let shown = said
        .split_whitespace()
        .find(|word| word.starts_with("SHA256:"));
    let shown = shown.context("raz showed no fingerprint")?;
    let told = service.command(&[&given[..], &["--fingerprint", shown]].concat())?;
    let id = erased.report.report_id;
    let expected = format!("report {id} imported by Camille, receipt 1: drives verified 1 of 1");
    ensure!(told == expected, "{told}");

    let audit = erased.bench.path().join("audit");
    fs::create_dir(&audit)?;
    for file in [
        "report.json",
        "report.json.sig",
        "allowed_signers",
        "receipt.json",
        "receipt.json.sig",
    ] {
        fs::write(
            audit.join(file),
            service.get(&format!("/reports/{id}/{file}"))?,
        )?;
    }
    let bytes = fs::read(audit.join("report.json"))?;
    ensure!(bytes == fs::read(erased.folder.join("report.json"))?);
    let receipt: Receipt = serde_json::from_slice(&fs::read(audit.join("receipt.json"))?)?;
    ensure!(
        receipt
            .imported
            .is_some_and(|imported| imported.by == "Camille")
    );
    ensure!(receipt.station_fingerprint == shown);
    let checks = [
        "ssh-keygen -Y check-novalidate -n raz-report@v1 -s report.json.sig < report.json",
        "ssh-keygen -Y verify -f allowed_signers -I raz-inventory -n raz-receipt@v1 \
         -s receipt.json.sig < receipt.json",
    ];
    for check in checks {
        let checked = run(Command::new("sh").args(["-c", check]).current_dir(&audit))?;
        ensure!(check.contains("verify") || String::from_utf8(checked.stdout)?.contains(shown));
    }
    Ok(())
}

//! A real browser on the pages: hostile text is text, no script runs, the style loads.

use crate::hostile::upload;
use crate::rig::{Service, receipt};
use std::path::Path;
use std::process::{Command, Output};

fn chromium(profile: &Path, arguments: &[&str]) -> Output {
    Command::new("chromium")
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
        ])
        .args([
            "--no-first-run",
            "--disable-background-networking",
            "--disable-sync",
        ])
        .args(["--disable-component-update", "--ignore-certificate-errors"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(arguments)
        .output()
        .expect("these tests need a browser: apt-get install chromium")
}

#[test]
fn hostile_report_runs_nothing_in_a_browser() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let (id, _) = upload(&service, &station);
    let profile = tempfile::tempdir().unwrap();
    for path in ["/".to_owned(), format!("/reports/{id}")] {
        let output = chromium(profile.path(), &["--dump-dom", &service.url(&path)]);
        let dom = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && dom.contains("</html>"),
            "{output:?}"
        );
        let title = dom
            .split("<title>")
            .nth(1)
            .unwrap()
            .split("</title>")
            .next()
            .unwrap();
        assert_ne!(title, "pwned", "a script ran on {path}");
        assert!(title.ends_with("· raz"), "{title}");
        assert!(
            dom.contains("&lt;script&gt;document.title='pwned'&lt;/script&gt;"),
            "{path}"
        );
        assert!(!dom.contains("<script") && !dom.contains("<img"), "{path}");
    }
}

#[test]
fn pages_are_drawn() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    service.pending();
    let (id, report) = station.report();
    receipt(
        service.upload(&station.sign_report(report.to_string().as_bytes())),
        201,
    );
    let (hostile, _) = upload(&service, &station);
    service.run(&["arm", "--until", "+2h", "--max-machines", "8"]);
    let profile = tempfile::tempdir().unwrap();
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&pictures).unwrap();
    for (name, path, size) in [
        ("machines", "/".to_owned(), "1280,800"),
        ("machine", format!("/reports/{id}"), "1280,3200"),
        (
            "machine-narrow-en",
            format!("/reports/{id}?lang=en"),
            "500,3000",
        ),
        ("hostile", format!("/reports/{hostile}"), "1280,2400"),
        ("stations", "/stations".to_owned(), "1280,900"),
    ] {
        let picture = pictures.join(format!("{name}.png"));
        let _ = std::fs::remove_file(&picture);
        let screenshot = format!("--screenshot={}", picture.display());
        let window = format!("--window-size={size}");
        let output = chromium(profile.path(), &[&screenshot, &window, &service.url(&path)]);
        assert!(output.status.success(), "{output:?}");
        let drawn = std::fs::metadata(&picture).unwrap().len();
        assert!(drawn > 10_000, "{name}: only {drawn} bytes of picture");
    }
}

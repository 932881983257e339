//! Netboot as firmware, GRUB and a stranger in the network see it: plain HTTP, by hand.

use crate::rig::{Service, Station, refused, start};
use report::sign::StationKey;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

const FILES: [&str; 9] = [
    "grub/grub.cfg",
    "grubia32.efi",
    "grubx64.efi",
    "initrd.img",
    "kernel.cfg",
    "mmx64.efi",
    "raz.toml",
    "shimx64.efi",
    "vmlinuz",
];

fn fresh() -> (tempfile::TempDir, Service) {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("netboot");
    fs::create_dir_all(files.join("grub")).unwrap();
    for name in FILES {
        fs::write(files.join(name), format!("bytes of {name}")).unwrap();
    }
    fs::write(files.join("secret"), "TOPsecret1").unwrap();
    let service = start(folder.path());
    (folder, service)
}

fn new_station() -> Station {
    Station {
        key: StationKey::generate().unwrap(),
    }
}

/// Sends these bytes; the status and all that comes back.
fn ask(service: &Service, request: &str) -> (u16, String) {
    let address = service.netboot.as_deref().unwrap().trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("{request}\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

/// GRUB takes a header without its capitals for none, and then waits half a minute for each file's end.
#[test]
fn each_file_is_served_whole_and_from_a_place_on_as_grub_understands_it() {
    let (_folder, service) = fresh();
    for name in FILES {
        let (status, answer) = ask(&service, &format!("GET /{name} HTTP/1.1"));
        assert_eq!(status, 200, "{name}");
        assert!(
            answer.ends_with(&format!("\r\n\r\nbytes of {name}")),
            "{answer}"
        );
    }
    // As shim asks.
    let (status, answer) = ask(&service, "GET //grubx64.efi HTTP/1.1");
    assert!(
        status == 200 && answer.ends_with("bytes of grubx64.efi"),
        "{answer}"
    );
    let (status, answer) = ask(&service, "HEAD /vmlinuz HTTP/1.1");
    assert!(
        status == 200 && answer.contains("Content-Length: 16"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    let (status, answer) = ask(&service, "GET /vmlinuz HTTP/1.1\r\nRange: bytes=9-");
    assert!(
        status == 206 && answer.ends_with("\r\n\r\nvmlinuz"),
        "{answer}"
    );
}

#[test]
fn netboot_serves_its_files_and_nothing_else_of_the_machine() {
    let (_folder, service) = fresh();
    for path in [
        "/",
        "/secret",
        "/grub",
        "/grub/",
        "/../data/tls.pem",
        "/grub/../secret",
        "/grub/../../data/receipt_key",
        "/%2e%2e/data/tls.pem",
        "/..%2fdata%2ftls.pem",
        "/grub//grub.cfg",
        "//etc/passwd",
        "/vmlinuz%00",
        "/api/v1/time",
        "/stations",
    ] {
        let (status, answer) = ask(&service, &format!("GET {path} HTTP/1.1"));
        assert_eq!(status, 404, "{path}: {answer}");
        assert!(
            !answer.contains("secret1") && !answer.contains("PRIVATE"),
            "{path}"
        );
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let (status, answer) = ask(&service, &format!("{method} /raz.toml HTTP/1.1"));
        assert_eq!(status, 405, "{method}: {answer}");
    }
}

/// What a stranger in the network can make of it: a station that a person sees and has not accepted.
#[test]
fn who_reads_the_boot_arguments_enrols_one_station_that_waits() {
    let (_folder, service) = fresh();
    let (status, answer) = ask(&service, "GET /station.cfg HTTP/1.1");
    assert_eq!(status, 200, "{answer}");
    let port = service.address.trim_end_matches('/').rsplit(':').next();
    let server = format!("raz.server=https://127.0.0.1:{} ", port.unwrap());
    assert!(answer.contains(&server), "{answer}");
    assert!(
        answer.contains(&format!("raz.pin={} ", service.pin)),
        "{answer}"
    );
    let token = answer.split("raz.token=").nth(1).unwrap();
    let token = token.split('"').next().unwrap();

    let station = new_station();
    let response = service.enrol(&station, token);
    assert_eq!(response.status(), 201);
    refused(service.enrol(&new_station(), token), 403);
    refused(service.post("/api/v1/arming", &station.ask("m1")), 403);
    let page = service.page("/stations?lang=en");
    assert!(page.contains("started over the network"), "{page}");
    let (_, again) = ask(&service, "GET /station.cfg HTTP/1.1");
    assert!(!again.contains(token), "a used token is given again");
    assert!(!service.log().contains(token), "the token is in the log");
}

#[test]
fn service_does_not_start_with_a_folder_that_is_not_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (_other, service) = Service::fresh();
    let files = folder.path().to_str().unwrap();
    let output = service.command(&["serve", "--listen", "127.0.0.1:0", "--netboot", files]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("grub.cfg"), "{said}");
}

//! SQL and HTML in every text of a report: stored as they came, shown as text, doing nothing.

use crate::rig::{Service, Station, receipt};
use serde_json::Value;
use uuid::Uuid;

pub const HOSTILE: &str = "'); DROP TABLE report; --<script>document.title='pwned'</script>\
    <img src=x onerror=\"document.title='pwned'\">&lt;\u{202e}\u{0}{{7*7}}";

/// Fields that are not free text: changing them makes another thing than a report.
const FIXED: [&str; 9] = [
    "/schema",
    "/report_id",
    "/station/key_fingerprint",
    "/mode",
    "/clock/state",
    "outcome",
    "_level",
    "/hidden_capacity/state",
    "final_content",
];

/// Puts the hostile text into every free text of the report; how many there were.
pub fn poison(value: &mut Value, path: &str) -> usize {
    match value {
        Value::String(text) => {
            let is_kind = path.contains("/passes/") && path.ends_with("/kind");
            if is_kind || FIXED.iter().any(|fixed| path.ends_with(fixed)) {
                return 0;
            }
            *text = format!("{path} {HOSTILE}");
            1
        }
        Value::Array(items) => {
            let items = items.iter_mut().enumerate();
            items
                .map(|(at, item)| poison(item, &format!("{path}/{at}")))
                .sum()
        }
        Value::Object(fields) => {
            let fields = fields.iter_mut();
            fields
                .map(|(name, item)| poison(item, &format!("{path}/{name}")))
                .sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// A poisoned report on this service.
pub fn upload(service: &Service, station: &Station) -> (Uuid, String) {
    let (id, mut report) = station.report();
    let texts = poison(&mut report, "");
    assert!(texts > 100, "{texts}");
    let bytes = report.to_string();
    receipt(service.upload(&station.sign_report(bytes.as_bytes())), 201);
    (id, bytes)
}

#[test]
fn hostile_text_is_stored_untouched_and_shown_as_text() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let (id, bytes) = upload(&service, &station);
    assert_eq!(service.stored(id), bytes.as_bytes());

    let list = service.page("/");
    let machine = list
        .split("href=\"/machines/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    for path in [
        "/".to_owned(),
        format!("/machines/{machine}"),
        format!("/reports/{id}?lang=en"),
    ] {
        let page = service.page(&path);
        assert!(
            page.contains("&lt;script&gt;document.title='pwned'&lt;/script&gt;"),
            "{path}"
        );
        assert!(
            !page.contains("<script") && !page.contains("<img"),
            "{path}"
        );
        // An attribute that hostile text opened would need a quote that is not escaped.
        assert!(
            !page.contains("onerror=\"") && page.contains("onerror=&quot;"),
            "{path}"
        );
    }
    let shown = service.page(&format!("/reports/{id}"));
    for path in [
        "/drives/0/model",
        "/drives/1/serial",
        "/drives/2/refusals/0",
        "/drives/1/erasure/shortfalls/0",
        "/drives/0/erasure/not_reached/0",
        "/drives/0/erasure/commands/0/status",
        "/drives/0/erasure/passes/0/verification/type",
        "/drives/1/erasure/passes/0/first_write_error",
        "/drives/1/erasure/passes/0/resumed/begun",
        "/drives/1/erasure/ledger/first_error",
        "/drives/1/erasure/passes/0/verification/first_read_error",
        "/drives/1/hidden_capacity/evidence",
        "/verdict/caps/0/message_fr",
        "/verdict/caps/0/source",
        "/verdict/grade",
        "/machine/maker",
        "/operator/name",
        "/limits/1",
    ] {
        assert!(
            shown.contains(&format!("{path} &#39;); DROP"))
                || shown.contains(&format!("{path} '); DROP")),
            "{path}"
        );
    }

    let (_, report) = station.report();
    receipt(
        service.upload(&station.sign_report(report.to_string().as_bytes())),
        201,
    );
    assert!(
        service
            .run(&["receipts", "verify"])
            .starts_with("receipts verified: 2,")
    );
}

#[test]
fn hostile_addresses_find_nothing() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let (id, _) = upload(&service, &station);
    for path in [
        "/machines/%27%20OR%201=1%20--".to_owned(),
        "/machines/%3Cscript%3E".to_owned(),
        "/reports/..%2f..%2freceipt_key".to_owned(),
        format!("/reports/{id}/..%2f..%2ftls.pem"),
        format!("/reports/{id}/receipt_key"),
        "/receipt_key".to_owned(),
        "/x?page=0%00".to_owned(),
    ] {
        let response = service.get(&path);
        assert_eq!(response.status(), 404, "{path}");
        let text = response.text().unwrap();
        assert!(
            !text.contains("<script") && !text.contains("PRIVATE"),
            "{path}: {text}"
        );
    }
    for path in [
        "/?page=99999999999",
        "/?page=-1&lang=%3Cscript%3E",
        "/?lang=en&lang=\"x",
    ] {
        assert!(!service.page(path).contains("<script"), "{path}");
    }
}

#[test]
fn every_answer_forbids_scripts_frames_and_guessing() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let (id, _) = upload(&service, &station);
    for path in [
        "/",
        "/stations",
        "/style.css",
        "/nothing",
        "/api/v1/time",
        "/api/v1/nothing",
        &format!("/reports/{id}"),
        &format!("/reports/{id}/report.json"),
    ] {
        let response = service.get(path);
        let headers = response.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("unsafe") && !policy.contains("script-src"),
            "{path}"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
    }
}

/// Neither shown nor counted as verified; with the seed, the share and what it can miss.
#[test]
fn sampled_drive_has_a_word_of_its_own_and_is_not_counted_as_verified() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let (id, mut report) = station.report();
    let sectors_total = report["drives"][0]["capacity_bytes"].as_u64().unwrap() / 512;
    let sectors = sectors_total / 10 + 1;
    let seed = "5e".repeat(32);
    let erasure = &mut report["drives"][0]["erasure"];
    erasure["outcome"] = "sampled".into();
    erasure["achieved_level"] = "none".into();
    let read = &mut erasure["passes"][0]["verification"];
    read["type"] = "sampled".into();
    read["read_bytes"] = (sectors * 512).into();
    read["coverage_percent"] = 10.0.into();
    read["sample"] = serde_json::json!({
        "derivation": "raz 2026-11 verification samples v1", "seed": seed, "share_percent": 10,
        "subsections": 1000, "sectors": sectors, "sectors_total": sectors_total,
        "missed": [{ "arrangement": "contiguous", "sectors": 2048, "bytes": 1_048_576, "probability": 0.899_631 }],
    });
    receipt(
        service.upload(&station.sign_report(report.to_string().as_bytes())),
        201,
    );
    let page = service.page(&format!("/reports/{id}?lang=en"));
    for said in [
        "<strong>written, checked by sample</strong>",
        "sectors of",
        "(10.00%)",
        &seed,
        "2,048 sectors in one run",
        "<strong>0.899631</strong>",
        "0 / 3",
    ] {
        assert!(page.contains(said), "{said}");
    }
    assert!(!page.contains("<strong>verified</strong>"));
    let french = service.page(&format!("/reports/{id}"));
    for said in ["écrit, contrôlé par sondage", "0,899631"] {
        assert!(french.contains(said), "{said}");
    }
    assert!(!french.contains("<strong>vérifié</strong>"));
}

#[test]
fn place_where_a_drive_may_be_unseen_is_shown_and_counted_as_not_verified() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let (id, mut report) = station.report();
    report["unseen_storage"] = serde_json::json!([{
        "kind": "remapped", "place": "0000:00:17.0",
        "text": "Intel RST hides 1 <b>NVMe</b> drive(s)", "remedy": "set AHCI",
    }]);
    receipt(
        service.upload(&station.sign_report(report.to_string().as_bytes())),
        201,
    );
    let page = service.page(&format!("/reports/{id}?lang=en"));
    for said in [
        "May hold data, not seen",
        "0000:00:17.0",
        "hides 1 &lt;b&gt;NVMe&lt;/b&gt; drive(s)",
        "set AHCI",
        "1 / 4",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn word_that_its_numbers_do_not_bear_is_shown_as_contradictory() {
    let (_folder, service) = Service::fresh();
    let station = service.accepted();
    let (id, mut report) = station.report();
    report["drives"][0]["erasure"]["passes"][0]["verification"] = Value::Null;
    receipt(
        service.upload(&station.sign_report(report.to_string().as_bytes())),
        201,
    );
    let page = service.page(&format!("/reports/{id}?lang=en"));
    assert!(page.contains("contradictory, not proven"));
    assert!(!page.contains("<strong>verified</strong>"));
    assert!(page.contains("0 / 3"));
    let french = service.page(&format!("/reports/{id}"));
    assert!(french.contains("<html lang=\"fr\">") && french.contains("contradictoire, non prouvé"));
}

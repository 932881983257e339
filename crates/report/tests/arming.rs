//! The code of an arming that is refused, between a service and a raz of different versions.

use report::api::{Arming, NotArmed};

fn read(code: &str) -> Arming {
    let text = format!(
        r#"{{"armed":false,"nonce":"n","machine":"m","until":null,"seconds_left":null,"reason":"why"{code}}}"#
    );
    serde_json::from_str(&text).unwrap()
}

#[test]
fn codes_are_words_that_stay() {
    for (code, word) in [
        (NotArmed::NobodyArmed, "nobody-armed"),
        (NotArmed::AllCounted, "all-counted"),
        (NotArmed::NoMachine, "no-machine"),
        (NotArmed::NotAccepted, "not-accepted"),
    ] {
        assert_eq!(serde_json::to_value(code).unwrap(), word);
        assert_eq!(read(&format!(r#","code":"{word}""#)).code, Some(code));
    }
}

#[test]
fn unknown_and_missing_codes_leave_the_words() {
    let newer = read(r#","code":"eclipse""#);
    assert_eq!(newer.code, Some(NotArmed::Unknown));
    assert_eq!(newer.reason.as_deref(), Some("why"));
    assert_eq!(read("").code, None);
    assert_eq!(read(r#","code":null"#).code, None);
}

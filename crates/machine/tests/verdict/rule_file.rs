//! Rule files of a workshop: what is refused, and with which words.

use machine::verdict::{DriveFate, DriveHealth, Grade, RuleError, Rules};

/// The least that is accepted.
const LEAST: &str = r#"version = "7"
[[rule]]
id = "a"
axis = "disk"
fact = "drive.erasure"
compare = "is"
threshold = "not-proven"
effect = "parts"
source = "s"
message_fr = "f"
message_en = "e"
[[rule]]
id = "b"
axis = "disk"
fact = "drive.erasure"
compare = "is"
threshold = "not-erased"
effect = "parts"
source = "s"
message_fr = "f"
message_en = "e"
[[rule]]
id = "c"
axis = "disk"
fact = "drive.erasure"
compare = "is"
threshold = "not-seen"
effect = "parts"
source = "s"
message_fr = "f"
message_en = "e"
"#;

const PENDING: &str = r#"
[[rule]]
id = "p"
axis = "disk"
fact = "drive.pending"
compare = ">"
threshold = 8
effect = "D"
source = "s"
message_fr = "f"
message_en = "e"
"#;

fn refusal(text: &str) -> String {
    Rules::parse(text).expect_err("refused").to_string()
}

#[test]
fn digest_is_that_of_the_exact_bytes() {
    let rules = Rules::parse(LEAST).expect("accepted");
    assert_eq!(rules.version(), "7");
    // By sha256sum(1).
    assert_eq!(
        rules.sha256(),
        "fa53651469a3284d3d469c5a343baf25a46e2b5e09d2dad7c24e972adb109fb3"
    );
    let other = Rules::parse(&format!("{LEAST}\n")).expect("accepted");
    assert_ne!(other.sha256(), rules.sha256());
}

#[test]
fn verdict_carries_version_and_digest_of_its_rules() {
    let rules = Rules::parse(&format!("{LEAST}{PENDING}")).expect("accepted");
    let drive = DriveHealth {
        pending: Some(9),
        ..DriveHealth::unknown("d", DriveFate::Proven)
    };
    let verdict = rules.judge(&machine::MachineFacts::default(), &[drive]);
    assert_eq!(verdict.grade, Grade::D);
    assert_eq!(verdict.caps[0].threshold, "> 8 sectors");
    assert_eq!(
        (
            verdict.rules_version.as_str(),
            verdict.rules_sha256.as_str()
        ),
        ("7", rules.sha256())
    );
}

#[test]
fn wrong_fields_are_refused_with_rule_and_field() {
    for (from, to, refused) in [
        (
            "\"drive.pending\"",
            "\"drive.colour\"",
            "rule p: fact cannot be drive.colour",
        ),
        (
            "axis = \"disk\"\nfact = \"drive.p",
            "axis = \"cpu\"\nfact = \"drive.p",
            "rule p: axis cannot be cpu",
        ),
        ("\">\"", "\"=>\"", "rule p: compare cannot be =>"),
        ("= 8", "= true", "rule p: threshold cannot be > true"),
        ("= 8", "= \"8\"", "rule p: threshold cannot be > 8"),
        (
            "\">\"\nthreshold = 8",
            "\"is\"\nthreshold = 8",
            "rule p: threshold cannot be is 8",
        ),
        (
            "\">\"\nthreshold = 8",
            "\"bits\"\nthreshold = 0",
            "rule p: threshold cannot be bits 0",
        ),
        ("\"D\"", "\"E\"", "rule p: effect cannot be E"),
        (
            "\"D\"",
            "\"D\"\napplies_to = \"tape\"",
            "rule p: applies_to cannot be tape",
        ),
        ("id = \"p\"", "id = \"a\"", "rule a: id is used twice"),
        ("id = \"p\"", "id = \" \"", "rule  : id is empty"),
        (
            "version = \"7\"",
            "version = \"\"",
            "rule file has no version",
        ),
        (
            "\"not-proven\"",
            "\"not-washed\"",
            "rule a: threshold cannot be is not-washed",
        ),
    ] {
        let text = format!("{LEAST}{PENDING}");
        assert!(text.contains(from), "{from}");
        assert_eq!(refusal(&text.replacen(from, to, 1)), refused);
    }
    for field in ["source", "message_fr", "message_en"] {
        let last = format!("{LEAST}{PENDING}")
            .rfind(&format!("{field} = \""))
            .expect("there");
        let mut text = format!("{LEAST}{PENDING}");
        text.replace_range(last + field.len() + 4..=last + field.len() + 4, "");
        assert_eq!(refusal(&text), format!("rule p: {field} is empty"));
    }
}

#[test]
fn unknown_and_missing_fields_are_syntax_errors() {
    for text in [
        "",
        "rules",
        &LEAST.replacen("source", "origin", 1),
        &format!("{LEAST}x = 1\n"),
    ] {
        assert!(
            matches!(Rules::parse(text), Err(RuleError::Syntax(_))),
            "{text}"
        );
    }
}

#[test]
fn rules_that_let_data_leave_are_refused() {
    for (fate, text) in [
        ("not-proven", LEAST.replacen("not-proven", "kept", 1)),
        ("not-erased", LEAST.replacen("not-erased", "kept", 1)),
        ("not-proven", LEAST.replacen("\"parts\"", "\"D\"", 1)),
        (
            "not-proven",
            LEAST.replacen("\"parts\"", "\"parts\"\napplies_to = \"rotating\"", 1),
        ),
        ("not-proven", "version = \"7\"".to_owned()),
    ] {
        assert_eq!(
            refusal(&text),
            format!("rule file does not reject drives that are {fate}")
        );
    }
}

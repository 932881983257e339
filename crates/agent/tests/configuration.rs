//! What `raz-inventory image configure` writes is what `raz` reads, and what it refuses `raz` calls odd.

use agent::arguments::Arguments;
use agent::i18n::Language;
use agent::keyboard::Layout;
use proptest::prelude::{any, proptest};
use stick::Configuration;

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn whole() -> Configuration {
    Configuration {
        server: some("https://[fe80::1]:8443"),
        pin: Some("aB".repeat(32)),
        token: some("0123abc"),
        lang: some("en"),
        keyboard: some("ch"),
        level: some("purge"),
        lot: some("L7 \\ \"x\" # é"),
        operator: some("Anne"),
        keep: vec!["S1".into(), "WD \"33".into()],
        auto_erase: true,
        poweroff: true,
    }
}

fn read(configuration: &Configuration) -> Arguments {
    let text = configuration.text().unwrap();
    Arguments::parse(Some(text.as_bytes()), b"")
}

#[test]
fn everything_that_is_written_is_read_as_it_was_meant() {
    let wanted = whole();
    let read = read(&wanted);
    assert_eq!(read.oddities, []);
    assert!(read.unattended_refusals().is_empty());
    assert_eq!(read.pin.unwrap().to_string(), "ab".repeat(32));
    assert_eq!(read.token.unwrap().expose(), "0123abc");
    assert_eq!(read.language, Some(Language::English));
    assert_eq!(read.keyboard, Layout::parse("ch"));
    assert_eq!((read.lot, read.operator), (wanted.lot, wanted.operator));
    assert_eq!(read.keep, wanted.keep);
    assert!(read.auto_erase && read.poweroff && read.level.is_some());
    assert_eq!(read.server.unwrap().to_string(), "https://[fe80::1]:8443");
}

#[test]
fn addresses_that_raz_does_not_take_are_not_written() {
    for wrong in [
        "http://h",
        "https://",
        "https://h/x",
        "https://h:0",
        "https://h:99999",
        "https://u@h",
        "https://h?x",
        "https://h#x",
        "h:8443",
        "https://h h",
        "https://[h]:1",
        "https://:1",
        "https://a.0",
        "https://1.2.3",
    ] {
        let configuration = Configuration {
            server: some(wrong),
            ..whole()
        };
        assert!(configuration.text().is_err(), "{wrong}");
    }
    for right in ["https://h", "https://a.b-c:1", "https://192.168.1.10:8443"] {
        let configuration = Configuration {
            server: some(right),
            ..whole()
        };
        assert_eq!(read(&configuration).oddities, [], "{right}");
    }
}

proptest! {
    #[test]
    fn any_text_that_is_written_is_read_without_an_oddity(lot in any::<String>(), serial in any::<String>(), token in "[ -~]{1,20}", server in "https://[a-z0-9.\\[\\]:-]{1,12}") {
        let configuration = Configuration {
            lot: Some(lot),
            keep: vec![serial],
            token: Some(token),
            server: Some(server),
            ..whole()
        };
        if let Ok(text) = configuration.text() {
            let read = Arguments::parse(Some(text.as_bytes()), b"");
            proptest::prop_assert_eq!(read.oddities, []);
            proptest::prop_assert_eq!(read.lot, configuration.lot);
            proptest::prop_assert_eq!(read.keep, configuration.keep);
        }
    }
}

//! No screen in French says a word in English: the session's own sentences, on every screen, at
//! 80×24.
//!
//! What comes from elsewhere stays as it is and is not in here: names of hardware, the kernel's
//! answers, the words of a service that this version does not know. Nor are the reasons of a claim
//! that was refused and of a drive that is silent, which are in English still.

use super::{rows, words};
use crate::i18n::{self, Language, Text, Words, refusal, work};
use crate::ledger::{Earlier, Resumes};
use crate::sleep::Refusal as Sleepless;
use crate::thaw::Thaw;
use crate::ui::{Header, Mode, Night, Phase, Plan, Row, State, draw, handle_key};
use crate::upload::client::{ClientError, Server};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use drive::facts::OwnErase;
use drive::medium::BootMedium;
use drive::refusal::Refusal;
use machine::MachineFacts;
use machine::parts::battery::{Battery, Confidence};
use machine::verdict::{DriveFate, DriveHealth, Rules};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use report::api::{Arming, NotArmed, Problem};
use report::schema::OutcomeWord;
use wipe::ledger::Mark;
use wipe::outcome::{Conclusion, Shortfall};

/// Words that are no French ones. `note`, `service`, `machine`, `plan` and the like are both.
const ENGLISH: &[&str] = &[
    "accepted",
    "again",
    "all",
    "and",
    "answer",
    "any",
    "anybody",
    "are",
    "armed",
    "arming",
    "at",
    "automatic",
    "back",
    "battery",
    "be",
    "been",
    "before",
    "by",
    "bytes",
    "cannot",
    "carry",
    "changed",
    "checked",
    "choose",
    "confirm",
    "consent",
    "cores",
    "counted",
    "data",
    "defects",
    "destroy",
    "disk",
    "drive",
    "drives",
    "erase",
    "erased",
    "errors",
    "every",
    "false",
    "first",
    "for",
    "from",
    "full",
    "grade",
    "has",
    "have",
    "hours",
    "is",
    "it",
    "its",
    "kept",
    "key",
    "left",
    "look",
    "medium",
    "more",
    "no",
    "nobody",
    "not",
    "nothing",
    "number",
    "of",
    "off",
    "only",
    "other",
    "out",
    "overwrite",
    "overwritten",
    "parts",
    "pattern",
    "pending",
    "power",
    "proven",
    "query",
    "read",
    "reading",
    "receipt",
    "reached",
    "refused",
    "refuses",
    "remove",
    "report",
    "revoked",
    "sectors",
    "see",
    "seen",
    "shows",
    "send",
    "sent",
    "serial",
    "stays",
    "stopped",
    "take",
    "tell",
    "than",
    "that",
    "the",
    "them",
    "then",
    "this",
    "to",
    "tried",
    "true",
    "try",
    "unattended",
    "unknown",
    "unplug",
    "unusable",
    "upload",
    "verified",
    "verify",
    "waiting",
    "was",
    "were",
    "wipe",
    "with",
    "without",
    "write",
    "written",
    "yet",
];

/// The words of the list that a text holds. Names in quotes and arguments are nobody's language.
fn english(text: &str) -> Vec<String> {
    let mut quoted = false;
    let spoken: String = text
        .chars()
        .filter(|c| {
            quoted ^= *c == '`';
            !quoted
        })
        .collect();
    spoken
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | ';' | '\''))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| ENGLISH.contains(&word.to_lowercase().as_str()))
        .map(str::to_owned)
        .collect()
}

fn screen(state: &State) -> String {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| (0..80).map(move |x| buffer[(x, y)].symbol()).collect();
    let lines: Vec<String> = (0..24).map(line).collect();
    lines.join("\n")
}

/// Every page of the details and the screen as it stands.
fn pages(mut state: State) -> Vec<String> {
    let mut pages = vec![screen(&state)];
    loop {
        let right = KeyEvent::new(KeyCode::Right, KeyModifiers::NONE);
        let message = state.message.clone();
        handle_key(&mut state, right);
        state.message = message;
        let next = screen(&state);
        if pages.last() == Some(&next) {
            return pages;
        }
        pages.push(next);
    }
}

fn refusals() -> Vec<Refusal> {
    let (device, by) = (|| "sda1".to_owned(), "md0".into());
    vec![
        Refusal::BootMedium,
        Refusal::MaybeBootMedium,
        Refusal::Mounted { device: device() },
        Refusal::Held {
            device: device(),
            by,
        },
        Refusal::Swap { device: device() },
        Refusal::Busy,
        Refusal::ReadOnly,
        Refusal::Networked,
        Refusal::Locked,
        Refusal::TcgLocked { shadow_mbr: true },
        Refusal::OwnErase {
            of: OwnErase::Sanitizing { progress: Some(1) },
            is_without_capacity: false,
        },
        Refusal::UnservedBlocks {
            block_bytes: 520,
            protection_type: None,
        },
        Refusal::AmbiguousIdentity { same_as: vec![] },
        Refusal::AmbiguousIdentity {
            same_as: vec!["/dev/sdb".into()],
        },
        Refusal::HostManagedZones,
        Refusal::Silent { why: "EIO".into() },
        Refusal::NotOpened {
            error: "ENXIO".into(),
        },
        Refusal::Denied {
            error: "EPERM".into(),
        },
        Refusal::NoCapacity,
        Refusal::Kept,
        Refusal::RemovableUnattended,
    ]
}

fn conclusions() -> Vec<Conclusion> {
    let shortfalls = vec![
        Shortfall::WriteErrors { bytes: 1 },
        Shortfall::ReadErrors { bytes: 1 },
        Shortfall::Mismatch {
            bytes: 1,
            first_offset_bytes: 2,
        },
        Shortfall::FlushFailed {
            error: "EIO".into(),
        },
        Shortfall::Vanished,
        Shortfall::Stalled { seconds: 1 },
        Shortfall::Interrupted,
        Shortfall::ByteCount {
            accounted: 1,
            capacity: 2,
        },
    ];
    vec![
        Conclusion::WrittenNotChecked,
        Conclusion::NotComplete(shortfalls.clone()),
        Conclusion::NotStarted(shortfalls),
    ]
}

/// Every line that a rule of the shipped file leaves: machines and drives of which all is bad.
fn verdict_lines() -> Vec<Words> {
    let bad = |fate| DriveHealth {
        rotating: Some(true),
        smart_failing: Some(true),
        reallocated: Some(9_999),
        pending: Some(9_999),
        offline_uncorrectable: Some(9_999),
        reported_uncorrectable: Some(9_999),
        command_timeout: Some(9_999),
        crc_errors: Some(9_999),
        spin_retry: Some(9_999),
        power_on_hours: Some(100_000),
        start_stop: Some(999_999),
        percentage_used: Some(255),
        available_spare: Some(1),
        spare_threshold: Some(10),
        critical_warning: Some(0xff),
        media_errors: Some(9_999),
        grown_defects: Some(9_999),
        uncorrected_errors: Some(9_999),
        ..DriveHealth::unknown("drive A1B2C3", fate)
    };
    let fates = [
        DriveFate::NotProven,
        DriveFate::NotErased,
        DriveFate::Kept,
        DriveFate::NotSeen,
    ];
    let drives = fates.map(bad);
    let mut machine = MachineFacts::default();
    machine.power.batteries = vec![Battery {
        name: "BAT0".into(),
        maker: None,
        model: None,
        serial: None,
        chemistry: None,
        capacity_design_mwh: None,
        capacity_full_mwh: None,
        voltage_design_mv: None,
        health_percent: Some(10),
        health_percent_raw: None,
        cycles: Some(9_999),
        confidence: Confidence::Plausible,
    }];
    let verdict = Rules::shipped().judge(&machine, &drives);
    let fired: Vec<&str> = verdict.caps.iter().map(|cap| cap.effect.as_str()).collect();
    assert!(fired.contains(&"parts") && fired.contains(&"note") && fired.contains(&"C"));
    i18n::verdict::lines(&crate::compose::verdict(&verdict))
}

fn troubles() -> Vec<ClientError> {
    let server = || Server::parse("https://10.0.2.2:8443").unwrap().to_string();
    let refused = |(status, detail): (u16, &str)| ClientError::Refused {
        server: server(),
        problem: Problem {
            r#type: "about:blank".into(),
            title: "Refused".into(),
            status,
            detail: detail.into(),
        },
    };
    let mut all: Vec<ClientError> = [
        (401, "the signature does not hold"),
        (403, "the key is pending"),
        (403, "the key is revoked"),
        (409, "other bytes are stored under this report id"),
        (413, "the body is too large"),
        (422, "not a report of this schema"),
    ]
    .into_iter()
    .map(refused)
    .collect();
    let why = || "connection refused by the other side".to_owned();
    all.extend([
        ClientError::Address,
        ClientError::Unreachable {
            server: server(),
            why: why(),
        },
        ClientError::NotTheService {
            server: server(),
            why: why(),
        },
        ClientError::Busy {
            server: server(),
            status: 503,
            detail: "the service is stopping: try again".into(),
        },
        ClientError::Answer {
            server: server(),
            why: why(),
        },
        ClientError::Random("no".into()),
    ]);
    all
}

/// All that a session says below the lists or at the end.
fn sentences() -> Vec<Words> {
    let arming = |code| Arming {
        armed: false,
        nonce: String::new(),
        machine: String::new(),
        until: None,
        seconds_left: None,
        reason: Some("nobody has armed unattended erasing".into()),
        code: Some(code),
    };
    let mut whys: Vec<Words> = [
        NotArmed::NobodyArmed,
        NotArmed::AllCounted,
        NotArmed::NoMachine,
        NotArmed::NotAccepted,
    ]
    .map(|code| i18n::service::not_armed(&arming(code)))
    .into();
    whys.extend(troubles().iter().map(ClientError::words));
    whys.extend([words::no_terminal(), words::drives_changed()]);
    whys.extend([words::asks_to_sleep(2), words::waits_for_key()]);
    let slept = [
        Thaw::Thawed,
        Thaw::SanitizeThawed,
        Thaw::NoKey,
        Thaw::FrozenAgain,
        Thaw::Unanswered,
        Thaw::NotSlept(Sleepless::OnlyIdle),
        Thaw::NotSlept(Sleepless::AlarmSilent),
        Thaw::NotSlept(Sleepless::NotSlept),
    ];
    whys.extend(slept.iter().map(Thaw::words));
    let odd = crate::arguments::Arguments::parse(
        Some(b"lang = fr"),
        b"raz.auto=erase raz.kepp=A raz.pin=x raz.lot",
    );
    let mut against = odd.unattended_refusals();
    against.extend(refusal::medium(&BootMedium::Several {
        named: "2026".into(),
        paths: vec!["/dev/sda".into(), "/dev/sdb".into()],
    }));
    for unread in [vec![], vec!["/dev/sda".into()]] {
        against.extend(refusal::medium(&BootMedium::Absent {
            named: "2026".into(),
            unread,
        }));
    }
    against.extend(refusal::medium(&BootMedium::NotNamed));
    against.extend(refusal::medium(&BootMedium::Image {
        named: "2026".into(),
        alike: Vec::new(),
    }));
    against.extend([
        words::kept_unknown("MAENT"),
        words::nothing_to_erase(),
        words::no_terminal(),
        words::no_machine(),
    ]);
    let mut all: Vec<Words> = whys
        .iter()
        .flat_map(|why| {
            [
                words::waiting_for_arming(2, why),
                words::upload_waits(why),
                words::upload_refused(403, why),
            ]
        })
        .collect();
    all.extend(against.iter().map(words::not_unattended));
    all.extend([
        words::attended(),
        words::from_image(),
        words::countdown_stopped(),
        words::drives_changed(),
        words::stays_on(),
        words::stays_on_for_report(),
        words::cannot_begin("EIO"),
        words::report_failed("EIO"),
        words::report_kept("e1ae52be"),
        words::receipt(7),
        words::ledger_ignored("A1B2C3", "it is of another drive"),
        words::upload_failed("EIO"),
        words::power_off_loses_report(),
        words::cannot_power_off("EIO"),
        words::no_events(&crate::events::EventsError::NoPort { name: "x".into() }),
        words::no_events(&crate::events::EventsError::NotAPort { path: "/x".into() }),
        words::no_events(&crate::events::EventsError::Io {
            path: "/x".into(),
            source: std::io::Error::from_raw_os_error(5),
        }),
    ]);
    all.extend(Text::ALL.iter().map(|text| text.words()));
    all
}

fn interrupted() -> Resumes {
    Resumes {
        mark: Mark {
            mark_bytes: 1 << 39,
            holes: Vec::new(),
        },
        earlier: Earlier {
            begun: "2026-11-26T19:41:52Z".into(),
            runs: 1,
        },
    }
}

/// Every screen, with each sentence somewhere on one of them.
fn screens(language: Language) -> Vec<String> {
    let row = |n: usize| Row {
        id: format!("A1B2C{n}"),
        path: format!("/dev/sd{n}"),
        model: (n > 1).then(|| "WDC WD40EFRX".into()),
        serial: (n > 1).then(|| format!("WCC7K{n}")),
        // Not of terabytes: `To` is a word in English.
        capacity_bytes: 500_107_862_016,
        ..Row::default()
    };
    let base = State {
        language,
        header: Header {
            version: "0.1.0".into(),
            machine: "LENOVO M710q".into(),
            fingerprint: "SHA256:37p5g".into(),
            ..Header::default()
        },
        ..State::default()
    };
    let mut states = Vec::new();
    let mut put = |rows: Vec<Row>, mode: Mode, message: Option<String>| {
        states.push(State {
            rows,
            mode,
            message,
            ..base.clone()
        });
    };
    put(vec![], Mode::Listing, None);
    let refused = refusals().into_iter().map(|refused| Row {
        plan: Plan::Refused {
            reason: refusal::reason(language, &refused),
            remedy: refusal::remedy(language, &refused),
        },
        ..row(1)
    });
    let unseen = i18n::unseen::all();
    let unseen = unseen.iter().map(|unseen| rows::unseen(unseen, language));
    let forgotten = Row {
        forgotten: true,
        ..row(2)
    };
    for row in refused.chain(unseen).chain([forgotten]) {
        for mode in [
            Mode::Listing,
            Mode::Running { stop_asked: false },
            Mode::Done {
                grade: None,
                lines: vec![],
            },
        ] {
            put(vec![row.clone()], mode, None);
        }
    }
    let erasable = |n| Row {
        plan: Plan::Erase { text: "".into() },
        selected: true,
        passes: 2,
        ..row(n)
    };
    for n in [1, 2] {
        let id = erasable(n).id;
        let typed = String::new();
        put(vec![erasable(n)], Mode::Confirming { id, typed }, None);
    }
    let resumes = Row {
        resumes: Some(work::resumes(language, &interrupted(), 1 << 40)),
        ..erasable(2)
    };
    put(vec![resumes.clone()], Mode::Listing, None);
    let (id, typed) = (resumes.id.clone(), String::new());
    put(vec![resumes], Mode::Confirming { id, typed }, None);
    put(vec![erasable(2)], Mode::Countdown { seconds_left: 9 }, None);
    for night in [
        Night::Asked { drives: 2 },
        Night::Asleep,
        Night::Awake { seconds_left: 90 },
    ] {
        put(vec![erasable(2)], Mode::Sleeping { night }, None);
    }
    for phase in [
        Phase::Waiting,
        Phase::Sanitizing,
        Phase::Writing,
        Phase::Settling,
        Phase::Verifying,
    ] {
        let row = Row {
            phase,
            percent: Some(50.0),
            bytes_per_second: Some(1e6),
            seconds_left: Some(7_200),
            ..erasable(2)
        };
        put(vec![row], Mode::Running { stop_asked: true }, None);
    }
    for conclusion in conclusions() {
        let row = Row {
            outcome: Some(crate::compose::conclusion(&conclusion).0),
            outcome_text: work::conclusion(language, &conclusion),
            ..erasable(2)
        };
        let grade = Some("parts".to_owned());
        let lines = vec![];
        put(vec![row], Mode::Done { grade, lines }, None);
    }
    let verified = Row {
        outcome: Some(OutcomeWord::Verified),
        ..erasable(2)
    };
    for line in verdict_lines().iter().chain(&sentences()) {
        let line = line.says(language).to_owned();
        put(vec![erasable(2)], Mode::Listing, Some(line.clone()));
        let (grade, lines) = (Some("A".to_owned()), vec![line]);
        put(vec![verified.clone()], Mode::Done { grade, lines }, None);
    }
    states.into_iter().flat_map(pages).collect()
}

#[test]
fn no_screen_in_french_says_a_word_in_english() {
    let found: Vec<String> = screens(Language::French)
        .into_iter()
        .filter(|shown| !english(shown).is_empty())
        .map(|shown| format!("{:?} in:\n{shown}\n", english(&shown)))
        .collect();
    assert!(
        found.is_empty(),
        "{} screens:\n{}",
        found.len(),
        found.concat()
    );
}

/// The list is good for something: each English screen with words of its own has one of it.
#[test]
fn most_screens_in_english_say_a_word_of_the_list() {
    let shown = screens(Language::English);
    let silent = shown.iter().filter(|shown| english(shown).is_empty());
    let silent = silent.count();
    assert!(silent * 10 < shown.len(), "{silent} of {}", shown.len());
}

#[test]
fn words_keep_to_the_consoles_characters() {
    for words in verdict_lines().iter().chain(&sentences()) {
        let fits = |c: char| matches!(c, ' '..='~' | '\u{a0}'..='\u{ff}');
        for text in [&words.french, &words.english] {
            assert!(text.chars().all(fits), "{text}");
        }
    }
}

//! No test here lets a machine sleep: what came of the sleep is put in its place.

use super::{Step, Woken};
use crate::cli;
use crate::session::ledgers::tests::facts;
use crate::session::{Session, Stage, words};
use crate::sleep::{Refusal, Slept};
use crate::survey::Survey;
use crate::thaw::{KEY_WITHIN, Thaw};
use crate::ui::{Action, Mode, Night};
use crate::work::Order;
use drive::ata::identify::EraseTime;
use drive::facts::{DriveFacts, Security};
use drive::medium::BootMedium;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wipe::native::Technique;
use wipe::plan::Plan;

const SLEPT: Slept = Slept {
    time: Duration::from_secs(20),
};

fn disk(frozen: bool) -> DriveFacts {
    DriveFacts {
        security: Security {
            supported: Some(true),
            enabled: Some(false),
            locked: Some(false),
            frozen: Some(frozen),
            enhanced_erase: Some(EraseTime::Minutes(60)),
        },
        ..facts()
    }
}

fn survey(facts: DriveFacts) -> Survey {
    Survey {
        drives: vec![facts],
        boot_medium: BootMedium::NotNamed,
        unseen: Vec::new(),
    }
}

/// A session in which a person consented to this drive and pressed E.
struct Bench {
    _folder: TempDir,
    session: Session,
}

impl Bench {
    fn new(facts: &DriveFacts) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = folder.path().join("cmdline");
        std::fs::write(&arguments, "raz.lang=en raz.level=auto").unwrap();
        let options = cli::Session {
            arguments,
            configuration: folder.path().join("raz.toml"),
            keys: "/nonexistent".into(),
            spool: folder.path().join("run/spool"),
            key: None,
            tty: None,
        };
        let mut session = Session::begin(&options).unwrap();
        session.looking = None;
        session.survey = Some(survey(facts.clone()));
        session.show_rows();
        for row in &mut session.state.rows {
            (row.selected, row.consented) = (true, true);
        }
        let ids = vec![facts.identity.id()];
        session.act(Action::StartErase { ids });
        Self {
            _folder: folder,
            session,
        }
    }

    /// In the place of [`Session::go_to_sleep`], whose thread would let this machine sleep.
    fn sleeps(&mut self, slept: Result<Slept, Refusal>, now: Option<DriveFacts>) {
        let (sender, woken) = mpsc::channel();
        let Stage::Sleeping { step, .. } = &mut self.session.stage else {
            panic!("not asked");
        };
        *step = Step::Asleep(woken);
        let drives = now.map(|facts| Ok((survey(facts), Vec::new())));
        assert!(sender.send(Woken { slept, drives }).is_ok());
        self.session.tick_sleeping();
    }

    /// The time for a key runs out.
    fn waits_in_vain(&mut self) {
        let Stage::Sleeping {
            step: Step::Awake { began, .. },
            ..
        } = &mut self.session.stage
        else {
            panic!("no key is waited for");
        };
        *began = Instant::now().checked_sub(KEY_WITHIN).unwrap();
        self.session.tick_sleeping();
    }

    fn night(&self) -> Option<Night> {
        match self.session.state.mode {
            Mode::Sleeping { night } => Some(night),
            _ => None,
        }
    }

    /// What the countdown is for.
    fn order(&self) -> &Order {
        match &self.session.stage {
            Stage::Countdown { orders, .. } => &orders[0],
            _ => panic!("no countdown: {:?}", self.session.state.mode),
        }
    }
}

/// How the drive is told to erase itself, if at all.
fn first(plan: &Plan) -> Option<Technique> {
    plan.ladder.first().map(|rung| rung.technique)
}

#[test]
fn consent_for_a_frozen_drive_asks_before_the_countdown_and_for_another_does_not() {
    let bench = Bench::new(&disk(true));
    assert_eq!(bench.night(), Some(Night::Asked { drives: 1 }));
    assert!(matches!(bench.session.stage, Stage::Sleeping { .. }));

    let bench = Bench::new(&disk(false));
    assert_eq!(bench.night(), None);
    assert_eq!(first(&bench.order().plan), Some(Technique::EnhancedErase));
}

#[test]
fn who_would_rather_not_sleep_has_the_drive_overwritten() {
    let mut bench = Bench::new(&disk(true));
    bench.session.act(Action::StayAwake);
    assert_eq!(first(&bench.order().plan), None);
    assert_eq!(bench.order().thaw, None);
}

#[test]
fn who_withdraws_is_back_at_the_list() {
    let mut bench = Bench::new(&disk(true));
    let key = crossterm::event::KeyCode::Esc.into();
    bench.session.key(key);
    assert!(matches!(bench.session.stage, Stage::Listing));
    assert!(!bench.session.state.rows[0].consented);
}

#[test]
fn thawed_drive_has_its_own_erase_in_the_plan_after_a_key() {
    let mut bench = Bench::new(&disk(true));
    bench.sleeps(Ok(SLEPT), Some(disk(false)));
    let Some(Night::Awake { .. }) = bench.night() else {
        panic!("{:?}", bench.session.state.mode);
    };
    bench.session.act(Action::Awake);
    assert_eq!(bench.order().thaw, Some(Thaw::Thawed));
    assert_eq!(first(&bench.order().plan), Some(Technique::EnhancedErase));
}

#[test]
fn thawed_drive_is_overwritten_only_when_no_key_comes() {
    let mut bench = Bench::new(&disk(true));
    bench.sleeps(Ok(SLEPT), Some(disk(false)));
    bench.waits_in_vain();
    assert_eq!(bench.order().thaw, Some(Thaw::NoKey));
    assert_eq!(first(&bench.order().plan), None);
    // A consent that is typed anew is a person who sees the screen.
    bench.session.stop();
    let ids = vec![disk(false).identity.id()];
    bench.session.act(Action::StartErase { ids });
    assert_eq!(first(&bench.order().plan), Some(Technique::EnhancedErase));
}

#[test]
fn drive_that_was_frozen_again_or_never_slept_is_overwritten_at_once() {
    let mut bench = Bench::new(&disk(true));
    bench.sleeps(Ok(SLEPT), Some(disk(true)));
    assert_eq!(bench.order().thaw, Some(Thaw::FrozenAgain));
    assert_eq!(first(&bench.order().plan), None);

    let mut bench = Bench::new(&disk(true));
    bench.sleeps(Err(Refusal::AlarmSilent), None);
    let thaw = Thaw::NotSlept(Refusal::AlarmSilent);
    let said = bench.session.state.message.clone().unwrap();
    assert!(said.contains("did not go off"), "{said}");
    assert_eq!(bench.order().thaw, Some(thaw));
    assert_eq!(first(&bench.order().plan), None);
}

#[test]
fn drive_that_is_another_one_after_the_sleep_needs_another_consent() {
    let mut other = disk(false);
    other.identity.serial = Some("SERIAL-2".into());
    let mut elsewhere = disk(false);
    elsewhere.path = "/dev/sdy".into();
    for now in [other, elsewhere] {
        let mut bench = Bench::new(&disk(true));
        bench.sleeps(Ok(SLEPT), Some(now));
        bench.session.act(Action::Awake);
        assert!(matches!(bench.session.stage, Stage::Listing));
        assert!(bench.session.state.rows.iter().all(|row| !row.consented));
        let said = bench.session.state.message.clone();
        assert_eq!(said, Some(words::drives_changed().english));
    }
}

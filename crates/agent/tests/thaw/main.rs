//! A simulated disk that the firmware froze, in a machine that sleeps: what its plan is afterwards,
//! and whether a password is ever sent to it.

#[path = "../../../drive/tests/machine/support/folder.rs"]
#[allow(dead_code, reason = "made for other tests, too")]
mod folder;
#[path = "../../../drive/tests/machine/support/loops.rs"]
#[allow(dead_code, reason = "made for other tests, too")]
mod loops;
mod machine;
#[path = "../../../drive/tests/machine/support/script.rs"]
#[allow(dead_code, reason = "made for other tests, too")]
mod script;

use agent::sleep::{Refusal, Slept, idle};
use agent::thaw::{self, Night, Thaw};
use drive::facts::DriveFacts;
use drive::port::Port;
use machine::{Bench, Power};
use sim::ata::options::SecurityOptions;
use std::sync::Arc;
use std::time::Duration;
use wipe::native::Sanitize;
use wipe::native::Technique;
use wipe::native::security::{EnhancedErase, bound};
use wipe::plan::{Level, Plan, Wanted, Wishes};

/// How the drive is told to erase itself, if at all.
fn first(plan: &Plan) -> Option<Technique> {
    plan.ladder.first().map(|rung| rung.technique)
}

fn wishes(level: Wanted) -> Wishes {
    Wishes {
        level,
        ..Wishes::default()
    }
}

/// A night, and what it makes of the one disk: its state and its plan.
fn night(bench: &Bench, power: Power, key: bool) -> (Option<Thaw>, Plan, DriveFacts) {
    let wishes = wishes(Wanted::Auto);
    let before = bench.facts();
    assert!(thaw::gains(&before, &wishes), "{:?}", before.security);
    let slept = bench.sleep(power);
    let survey = thaw::back(
        &bench.machine,
        &[],
        std::slice::from_ref(&before),
        Duration::ZERO,
    )
    .unwrap();
    let now = thaw::same(&survey.drives, &before).unwrap().clone();
    let thaw = Night { slept, key }.of(&before, &now, &wishes);
    let plan = thaw::planned(&now, &wishes, thaw.as_ref());
    (thaw, plan, now)
}

/// Carries out what the plan says of the drive's own erase, as a job does.
fn carry_out(bench: &Bench, plan: &Plan, facts: &DriveFacts) {
    if let Some(technique) = first(plan) {
        let port: Arc<dyn Port> = Arc::new(bench.port());
        let time = facts.security.enhanced_erase.unwrap();
        let drive = EnhancedErase::new(port, bound(time, facts.capacity_bytes));
        drive.start(technique).unwrap();
    }
}

#[test]
fn frozen_disk_that_thawed_erases_itself_after_a_key() {
    let bench = Bench::new(false);
    let (thaw, plan, facts) = night(&bench, Power::Goes, true);
    assert_eq!(thaw, Some(Thaw::Thawed));
    assert_eq!(first(&plan), Some(Technique::EnhancedErase));
    assert_eq!(bench.left(), Bench::PLACES);
    carry_out(&bench, &plan, &facts);
    assert_eq!(bench.left(), 0, "also what was in a replaced sector");
    assert_eq!(bench.passwords_sent(), 1);
}

#[test]
fn without_a_key_no_password_is_set_and_the_plan_is_an_overwrite_with_the_reason() {
    let bench = Bench::new(false);
    let (thaw, plan, facts) = night(&bench, Power::Goes, false);
    assert_eq!(thaw, Some(Thaw::NoKey));
    assert_eq!(facts.security.frozen, Some(false), "it did thaw");
    assert_eq!((first(&plan), plan.level), (None, Level::Clear));
    carry_out(&bench, &plan, &facts);
    assert_eq!(bench.passwords_sent(), 0);
    assert!(
        plan.reasons.iter().any(|why| why.contains("no password")),
        "{:?}",
        plan.reasons
    );
    assert!(Thaw::NoKey.words().english.contains("nobody pressed a key"));
}

#[test]
fn disk_that_the_firmware_froze_again_is_overwritten_whether_a_key_was_pressed_or_not() {
    for key in [true, false] {
        let bench = Bench::new(true);
        let (thaw, plan, facts) = night(&bench, Power::Goes, key);
        assert_eq!(thaw, Some(Thaw::FrozenAgain));
        assert_eq!((first(&plan), plan.level), (None, Level::Clear));
        carry_out(&bench, &plan, &facts);
        assert_eq!(bench.passwords_sent(), 0);
    }
}

#[test]
fn disk_whose_sanitize_commands_thawed_erases_itself_by_them_and_without_a_key_by_no_password() {
    let security = |supported| SecurityOptions {
        supported,
        frozen: true,
        ..SecurityOptions::default()
    };
    // With a password's erase as what is left, and without.
    for (supported, key, thaw, rungs) in [
        (false, false, Thaw::SanitizeThawed, 1),
        (false, true, Thaw::Thawed, 1),
        (true, false, Thaw::SanitizeThawed, 1),
        (true, true, Thaw::Thawed, 2),
    ] {
        let bench = Bench::sanitize_frozen(security(supported));
        let (found, plan, facts) = night(&bench, Power::Goes, key);
        assert_eq!(found, Some(thaw));
        assert_eq!(first(&plan), Some(Technique::Overwrite));
        assert_eq!(
            (plan.ladder.len(), plan.level),
            (rungs, Level::Purge),
            "{plan:?}"
        );
        assert_eq!(facts.sanitize_frozen, None);
    }
    let bench = Bench::sanitize_frozen(security(false));
    let (found, plan, facts) = night(&bench, Power::Stays, true);
    assert_eq!(found, Some(Thaw::FrozenAgain));
    assert_eq!((first(&plan), plan.level), (None, Level::Clear));
    assert!(
        facts
            .sanitize_frozen
            .is_some_and(|offered| offered.overwrite)
    );
}

#[test]
fn disk_that_can_be_purged_without_its_frozen_sanitize_commands_is_worth_no_sleep() {
    let bench = Bench::sanitize_frozen(SecurityOptions::default());
    let facts = bench.facts();
    assert!(facts.sanitize_frozen.is_some());
    assert!(!thaw::gains(&facts, &wishes(Wanted::Auto)));
    // Beside one that is worth it, nothing changes for it, also where the machine does not sleep.
    let night = Night {
        slept: Err(Refusal::NobodyThere),
        key: false,
    };
    let thaw = night.of(&facts, &facts, &wishes(Wanted::Auto));
    assert_eq!(thaw, None);
}

/// A sleep in which drives keep their power thaws nothing, whatever the machine calls it.
#[test]
fn disk_that_kept_its_power_is_still_frozen() {
    let bench = Bench::new(false);
    let (thaw, plan, _) = night(&bench, Power::Stays, true);
    assert_eq!(thaw, Some(Thaw::FrozenAgain));
    assert_eq!(first(&plan), None);
}

#[test]
fn machine_that_cannot_sleep_leaves_the_plan_as_it_was_and_says_why() {
    let bench = Bench::new(false);
    let before = bench.facts();
    for level in [Wanted::Auto, Wanted::Purge] {
        let wishes = wishes(level);
        let night = Night {
            slept: Err(Refusal::OnlyIdle),
            key: true,
        };
        let thaw = night.of(&before, &before, &wishes).unwrap();
        let plan = thaw::planned(&before, &wishes, Some(&thaw));
        assert_eq!((first(&plan), plan.level), (None, Level::Clear));
        let said = thaw.words().english;
        assert!(said.contains("drives keep their power"), "{said}");
    }
}

#[test]
fn disk_beside_a_frozen_one_gets_no_password_on_a_dark_screen_either() {
    let bench = Bench::new(false);
    bench.sleep(Power::Goes).unwrap();
    let never_frozen = bench.facts();
    let wishes = wishes(Wanted::Auto);
    let of = |key| {
        let slept = Ok(Slept {
            time: Duration::from_secs(20),
        });
        Night { slept, key }.of(&never_frozen, &never_frozen, &wishes)
    };
    assert_eq!(of(false), Some(Thaw::NoKey));
    assert_eq!(of(true), None);
    let plan = thaw::planned(&never_frozen, &wishes, of(false).as_ref());
    assert_eq!(first(&plan), None);
}

#[test]
fn nothing_is_gained_where_only_an_overwrite_is_asked_for() {
    let facts = Bench::new(false).facts();
    assert!(thaw::gains(&facts, &wishes(Wanted::Purge)));
    assert!(!thaw::gains(&facts, &wishes(Wanted::Clear)));
    let mut behind_usb = facts.clone();
    behind_usb.transport = drive::facts::Transport::Usb;
    assert!(!thaw::gains(&behind_usb, &wishes(Wanted::Purge)));
}

#[test]
fn another_drive_in_its_place_is_not_taken_for_it_after_a_sleep() {
    let facts = Bench::new(false).facts();
    let same = |now: &DriveFacts, before: &DriveFacts| {
        thaw::same(std::slice::from_ref(now), before).is_some()
    };
    let mut renamed = facts.clone();
    renamed.name = "sdq".into();
    renamed.path = "/dev/sdq".into();
    renamed.disk_sequence = Some(99);
    assert!(same(&renamed, &facts), "by its serial, whatever its name");

    let mut other = facts.clone();
    other.identity.serial = Some("OTHER".into());
    let mut shorter = facts.clone();
    shorter.capacity_bytes -= 512;
    assert!(!same(&other, &facts) && !same(&shorter, &facts));
    assert_eq!(thaw::same(&[facts.clone(), renamed], &facts), None, "twins");

    // Known by its place alone.
    let mut nameless = facts;
    nameless.identity.serial = None;
    nameless.identity.world_wide = None;
    let mut exchanged = nameless.clone();
    exchanged.disk_sequence = Some(99);
    assert!(same(&nameless, &nameless) && !same(&exchanged, &nameless));
}

#[test]
fn machine_does_not_sleep_while_a_raz_holds_a_drive_and_none_can_take_one_meanwhile() {
    let (mut facts, disk) = (Bench::new(false).facts(), loops::Loop::new(1 << 20));
    facts.path.clone_from(&disk.path);
    let drives = [facts];
    let at_work = sys::block::open_exclusive(&disk.path).unwrap();
    let Err(Refusal::InUse { drives: named }) = idle::hold(&drives) else {
        panic!("a drive at work");
    };
    assert_eq!(named, [disk.path.display().to_string()]);
    drop(at_work);

    let held = idle::hold(&drives).unwrap();
    let claim = sys::block::open_exclusive(&disk.path).unwrap_err();
    assert_eq!(claim.kind(), std::io::ErrorKind::ResourceBusy);
    drop(held);
    sys::block::open_exclusive(&disk.path).unwrap();
}

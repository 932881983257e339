//! Claims, on real loop devices over files of the test's own.

use crate::support::folder::Folder;
use crate::support::loops::Loop;
use drive::claim::reformat::claim_for_reformat;
use drive::claim::revert::{RevertError, claim_for_revert};
use drive::claim::{Checks, ClaimError, Claimed, Consent, ConsentSource, claim};
use drive::discover::{Machine, Roots};
use drive::facts::{Blocks, DriveFacts, OwnErase, Tcg, Transport, Use};
use drive::identity::IdentityLost;
use drive::refusal::{PlanKind, Refusal};
use drive::tcg::{Discovery, Psid};
use std::fs;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

const LEN: u64 = 4 << 20;
const UUID: &str = "5ca1ab1e-0000-4000-8000-000000000001";

fn facts_of(device: &Loop) -> DriveFacts {
    let mut drives = Machine::this().drives(&[device.name()]);
    drives.retain(|drive| drive.name == device.name());
    assert_eq!(drives.len(), 1);
    drives.remove(0)
}

fn consent(facts: &DriveFacts) -> Consent {
    Consent {
        id: facts.identity.id(),
        source: ConsentSource::CommandLine,
    }
}

fn claim_on(machine: &Machine, facts: &DriveFacts, kept: &[String]) -> Result<Claimed, ClaimError> {
    let checks = Checks {
        machine,
        all: std::slice::from_ref(facts),
        kept,
        plan: PlanKind::default(),
    };
    claim(facts, &consent(facts), &checks)
}

fn claim_this(facts: &DriveFacts) -> Result<Claimed, ClaimError> {
    claim_on(&Machine::this(), facts, &[])
}

fn refusals_of(result: Result<Claimed, ClaimError>) -> Vec<Refusal> {
    match result {
        Err(ClaimError::Refused { refusals, .. }) => refusals,
        other => panic!("{other:?}"),
    }
}

#[test]
fn claimed_loop_is_written_through_the_claim_and_flushed() {
    let device = Loop::new(LEN);
    let facts = facts_of(&device);
    assert_eq!(facts.capacity_bytes, LEN);
    let claimed = claim_this(&facts).unwrap();
    assert_eq!(claimed.facts().identity, facts.identity);
    assert_eq!(claimed.recheck_identity(), Ok(facts.identity.clone()));
    assert!(claimed.still_present());
    let mut sector = sys::aligned::AlignedBuffer::new(512).unwrap();
    sector.fill(0xA5);
    sys::block::write_at(claimed.file().as_fd(), &sector, LEN - 512).unwrap();
    claimed.flush().unwrap();
    let medium = fs::read(device.file()).unwrap();
    assert!(medium[..medium.len() - 512].iter().all(|byte| *byte == 0));
    assert!(
        medium[medium.len() - 512..]
            .iter()
            .all(|byte| *byte == 0xA5)
    );
}

#[test]
fn second_claim_is_busy_until_the_first_is_let_go() {
    let device = Loop::new(LEN);
    let facts = facts_of(&device);
    let first = claim_this(&facts).unwrap();
    assert_eq!(refusals_of(claim_this(&facts)), [Refusal::Busy]);
    drop(first);
    claim_this(&facts).unwrap();
}

#[test]
fn read_only_loop_is_refused() {
    let device = Loop::read_only(LEN);
    let facts = facts_of(&device);
    assert!(facts.read_only);
    assert_eq!(refusals_of(claim_this(&facts)), [Refusal::ReadOnly]);
    // Also when it turned read-only behind the list's back.
    let stale = DriveFacts {
        read_only: false,
        ..facts
    };
    assert_eq!(refusals_of(claim_this(&stale)), [Refusal::ReadOnly]);
}

#[test]
fn mounted_loop_is_refused_by_name_and_by_the_kernel() {
    let mut device = Loop::ext4(LEN, UUID);
    let before = facts_of(&device);
    let at = device.mount();
    let facts = facts_of(&device);
    let expected = Use::Mounted {
        device: device.name(),
        at: at.display().to_string(),
    };
    assert_eq!(facts.uses, [expected]);
    let refused = refusals_of(claim_this(&facts));
    assert!(
        matches!(refused.as_slice(), [Refusal::Mounted { .. }]),
        "{refused:?}"
    );
    // Facts from before the mount do not get past the exclusive open.
    assert_eq!(refusals_of(claim_this(&before)), [Refusal::Busy]);
    assert_eq!(before.identity, facts.identity);
}

#[test]
fn file_that_is_mounted_through_another_loop_is_refused() {
    let mut device = Loop::ext4(LEN, UUID);
    let door = device.door(&device.file(), &["--offset", "1048576"]);
    let listed = || Machine::this().drives(&[door.name()]);
    let of_door = |drive: &DriveFacts| drive.name == door.name();
    let before = listed().into_iter().find(of_door).unwrap();
    assert_eq!(before.uses, []);
    let at = device.mount();
    let facts = listed().into_iter().find(of_door).unwrap();
    let mounted = Use::Mounted {
        device: device.name(),
        at: at.display().to_string(),
    };
    assert_eq!(facts.uses, [mounted]);
    // The exclusive open of this door succeeds: only the facts speak against it.
    let refused = refusals_of(claim_this(&before));
    assert!(
        matches!(refused.as_slice(), [Refusal::Mounted { .. }]),
        "{refused:?}"
    );
}

#[test]
fn loop_over_a_block_device_is_no_drive() {
    let device = Loop::new(LEN);
    let door = device.door(&device.path, &[]);
    let names = [device.name(), door.name()];
    let mut drives = Machine::this().drives(&names);
    drives.retain(|drive| names.contains(&drive.name));
    let listed: Vec<String> = drives.into_iter().map(|drive| drive.name).collect();
    assert_eq!(listed, [device.name()]);
}

#[test]
fn drive_that_was_mounted_by_its_other_path_since_the_list_is_refused() {
    let (device, mut other) = (Loop::new(LEN), Loop::ext4(LEN, UUID));
    let facts = facts_of(&device);
    let listed = facts_of(&other);
    let twin = DriveFacts {
        identity: facts.identity.clone(),
        ..listed
    };
    other.mount();
    let machine = Machine::this();
    let checks = Checks {
        machine: &machine,
        all: &[facts.clone(), twin],
        kept: &[],
        plan: PlanKind::default(),
    };
    let refused = refusals_of(claim(&facts, &consent(&facts), &checks));
    let mounted = Refusal::Mounted {
        device: other.name(),
    };
    assert_eq!(refused, [mounted]);
}

#[test]
fn other_file_under_the_same_name_is_another_drive() {
    let device = Loop::new(LEN);
    let facts = facts_of(&device);
    device.reattach(LEN);
    // By the kernel's count of disks, and without one by what the drive says.
    let uncounted = DriveFacts {
        disk_sequence: None,
        ..facts.clone()
    };
    for (listed, words) in [(&facts, "another disk"), (&uncounted, "identifies as ")] {
        let result = claim_this(listed);
        let Err(ClaimError::Changed { what, .. }) = &result else {
            panic!("{result:?}");
        };
        assert!(what.starts_with(words), "{what}");
    }
    let other = fs::read(device.file().with_file_name("other.img")).unwrap();
    assert!(other.iter().all(|byte| *byte == 0));
}

#[test]
fn nameless_drive_that_was_replaced_in_its_slot_is_not_claimed() {
    let device = Loop::new(LEN);
    let (mut folder, machine, place) = shown_in_folder(&device);
    // The same place, the same size, no name: only the kernel's count of disks differs.
    let backing = format!("{} (deleted)", device.file().display());
    folder.attributes(&place, &format!("loop/backing_file = {backing}"));
    let facts = machine.drives(&[device.name()]).remove(0);
    assert!(facts.identity.is_path_only());
    let before = DriveFacts {
        disk_sequence: facts.disk_sequence.map(|count| count - 1),
        ..facts.clone()
    };
    let result = claim_on(&machine, &before, &[]);
    assert!(
        matches!(result, Err(ClaimError::Changed { .. })),
        "{result:?}"
    );
    claim_on(&machine, &facts, &[]).unwrap();
}

#[test]
fn changed_capacity_and_sector_size_are_changes() {
    let device = Loop::new(LEN);
    let facts = facts_of(&device);
    for listed in [
        DriveFacts {
            capacity_bytes: LEN + 512,
            ..facts.clone()
        },
        DriveFacts {
            logical_sector_bytes: 4096,
            ..facts.clone()
        },
    ] {
        let result = claim_this(&listed);
        assert!(
            matches!(result, Err(ClaimError::Changed { .. })),
            "{result:?}"
        );
    }
}

#[test]
fn consent_to_another_drive_or_an_ended_arming_is_no_consent() {
    let device = Loop::new(LEN);
    let facts = facts_of(&device);
    let machine = Machine::this();
    let checks = Checks {
        machine: &machine,
        all: std::slice::from_ref(&facts),
        kept: &[],
        plan: PlanKind::default(),
    };
    let other = Consent {
        id: "WD-1-abcdef".into(),
        source: ConsentSource::Typed,
    };
    let result = claim(&facts, &other, &checks);
    assert!(
        matches!(result, Err(ClaimError::NotConfirmed { .. })),
        "{result:?}"
    );
    let armed = |until| Consent {
        id: facts.identity.id(),
        source: ConsentSource::Armed { until },
    };
    let now = Instant::now();
    let result = claim(&facts, &armed(now), &checks);
    assert!(
        matches!(result, Err(ClaimError::Expired { .. })),
        "{result:?}"
    );
    claim(&facts, &armed(now + Duration::from_secs(3600)), &checks).unwrap();
}

#[test]
fn consent_of_a_session_reaches_no_drive_over_a_network_whatever_the_plan_allows() {
    let device = Loop::new(LEN);
    let facts = DriveFacts {
        transport: Transport::Network,
        ..facts_of(&device)
    };
    let machine = Machine::this();
    let by = |source, networked_allowed| {
        let checks = Checks {
            machine: &machine,
            all: std::slice::from_ref(&facts),
            kept: &[],
            plan: PlanKind {
                networked_allowed,
                ..PlanKind::default()
            },
        };
        let id = facts.identity.id();
        claim(&facts, &Consent { id, source }, &checks)
    };
    let armed = ConsentSource::Armed {
        until: Instant::now() + Duration::from_secs(3600),
    };
    for (source, allowed) in [
        (ConsentSource::CommandLine, false),
        (ConsentSource::Typed, true),
        (armed, true),
    ] {
        assert_eq!(refusals_of(by(source, allowed)), [Refusal::Networked]);
    }
    by(ConsentSource::CommandLine, true).unwrap();
}

#[test]
fn kept_drive_and_same_identity_are_refused_at_claim_time() {
    let device = Loop::new(LEN);
    let facts = facts_of(&device);
    let kept = [facts.identity.id()];
    assert_eq!(
        refusals_of(claim_on(&Machine::this(), &facts, &kept)),
        [Refusal::Kept]
    );

    let twin = DriveFacts {
        path: "/dev/other".into(),
        ..facts.clone()
    };
    let machine = Machine::this();
    let checks = Checks {
        machine: &machine,
        all: &[facts.clone(), twin],
        kept: &[],
        plan: PlanKind {
            several: true,
            ..PlanKind::default()
        },
    };
    let refused = refusals_of(claim(&facts, &consent(&facts), &checks));
    assert_eq!(
        refused,
        [Refusal::AmbiguousIdentity {
            same_as: vec!["/dev/other".into()]
        }]
    );
}

#[test]
fn drive_that_carries_razs_medium_is_refused_even_when_the_list_did_not_know() {
    let device = Loop::ext4(LEN, UUID);
    let folder = Folder::new();
    folder.write("proc/cmdline", format!("raz.medium={UUID}"));
    let machine = Machine {
        roots: Roots {
            proc: folder.path("proc"),
            ..Roots::default()
        },
        ..Machine::this()
    };
    let facts = DriveFacts {
        volumes: Vec::new(),
        ..facts_of(&device)
    };
    assert_eq!(
        refusals_of(claim_on(&machine, &facts, &[])),
        [Refusal::BootMedium]
    );
}

/// A folder that shows the loop as the real sysfs does, so that the test can change what it shows.
fn shown_in_folder(device: &Loop) -> (Folder, Machine, String) {
    let mut folder = Folder::new();
    let place = format!("virtual/block/{}", device.name());
    folder.block(&place, LEN / 512);
    let read = |attribute: &str| {
        fs::read_to_string(device.sys(attribute))
            .unwrap()
            .trim()
            .to_owned()
    };
    let attributes: Vec<String> = ["dev", "diskseq", "loop/backing_file", "loop/offset"]
        .map(|name| format!("{name} = {}", read(name)))
        .into();
    folder.attributes(&place, &attributes.join("\n"));
    let machine = Machine {
        roots: Roots {
            sys: folder.path("sys"),
            proc: folder.path("proc"),
            dev: "/dev".into(),
        },
        ..Machine::this()
    };
    (folder, machine, place)
}

#[test]
fn claimed_drive_that_becomes_another_disk_fails_the_recheck() {
    let device = Loop::new(LEN);
    let (mut folder, machine, place) = shown_in_folder(&device);
    let facts = machine.drives(&[device.name()]).remove(0);
    let claimed = claim_on(&machine, &facts, &[]).unwrap();
    let sequence = claimed.disk_sequence().unwrap();
    assert!(claimed.recheck_identity().is_ok());

    folder.attributes(&place, &format!("diskseq = {}", sequence + 1));
    assert!(!claimed.still_present());
    // Its name is another disk's, which nobody has asked who it is.
    let lost = claimed.recheck_identity().unwrap_err();
    assert!(
        matches!(&lost, IdentityLost::Gone(why) if why.contains("disk sequence")),
        "{lost:?}"
    );

    folder.attributes(&place, &format!("diskseq = {sequence}\nloop/offset = 512"));
    assert!(claimed.still_present());
    let lost = claimed.recheck_identity().unwrap_err();
    let IdentityLost::Another { found, confirmed } = &lost else {
        panic!("{lost:?}");
    };
    assert_ne!(found, confirmed);
    assert_eq!(*confirmed, facts.identity.recorded());

    fs::remove_dir_all(folder.path(&format!("sys/devices/{place}"))).unwrap();
    assert!(!claimed.still_present());
    let lost = claimed.recheck_identity().unwrap_err();
    assert!(
        matches!(&lost, IdentityLost::Gone(why) if why.contains("has left the machine")),
        "{lost:?}"
    );
    assert!(claimed.health().is_err());
}

#[test]
fn node_of_another_device_under_the_drives_name_is_not_written() {
    let (device, other) = (Loop::new(LEN), Loop::new(LEN));
    let (mut folder, machine, place) = shown_in_folder(&device);
    let number = fs::read_to_string(other.sys("dev")).unwrap();
    folder.attributes(&place, &format!("dev = {}", number.trim()));
    let facts = machine.drives(&[device.name()]).remove(0);
    let result = claim_on(&machine, &facts, &[]);
    let Err(ClaimError::Changed { what, .. }) = &result else {
        panic!("{result:?}");
    };
    assert!(what.contains("not the whole drive"), "{what}");
}

#[test]
fn path_is_resolved_to_the_whole_drive_through_links() {
    let device = Loop::new(LEN);
    let machine = Machine::this();
    assert_eq!(machine.resolve(&device.path).unwrap(), device.name());
    let folder = Folder::new();
    std::os::unix::fs::symlink(&device.path, folder.path("by-name")).unwrap();
    assert_eq!(
        machine.resolve(&folder.path("by-name")).unwrap(),
        device.name()
    );
}

#[test]
fn claim_can_be_asked_from_another_thread() {
    fn shared<T: Send + Sync>() {}
    shared::<Claimed>();
}

#[test]
fn drive_that_tcg_locks_is_claimed_for_a_revert_only_and_for_no_other_reason() {
    let device = Loop::new(LEN);
    let mut answer = vec![0; 48];
    answer.extend([0, 2, 0x10, 1, 0x0F]);
    answer[3] = 49;
    let locked = DriveFacts {
        tcg: Tcg::Told(Discovery::parse(&answer).unwrap()),
        ..facts_of(&device)
    };
    let refusal = Refusal::TcgLocked { shadow_mbr: false };
    assert_eq!(refusals_of(claim_this(&locked)), [refusal]);

    let for_revert = |kept: &[String]| {
        let machine = Machine::this();
        let checks = Checks {
            machine: &machine,
            all: std::slice::from_ref(&locked),
            kept,
            plan: PlanKind::default(),
        };
        claim_for_revert(&locked, &consent(&locked), &checks)
    };
    let held = for_revert(&[]).unwrap();
    // A loop device knows no TCG.
    let psid = Psid::parse("VUTSRQPONMLKJIHGFEDCBA9876543210").unwrap();
    let error = held.revert(&psid).unwrap_err();
    assert!(matches!(error, RevertError::NoKernel), "{error:?}");
    match for_revert(&[]) {
        Err(ClaimError::Refused { refusals, .. }) => assert_eq!(refusals, [Refusal::Busy]),
        other => panic!("{other:?}"),
    }
    drop(held);
    match for_revert(&[locked.identity.id()]) {
        Err(ClaimError::Refused { refusals, .. }) => assert_eq!(refusals, [Refusal::Kept]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn drive_is_claimed_for_a_reformat_only_where_its_format_stands_in_the_way_and_nothing_else_does() {
    let device = Loop::new(LEN);
    let broken = DriveFacts {
        blocks: Some(Blocks {
            bytes: Some(520),
            protection_type: None,
        }),
        own_erase: Some(OwnErase::FormatFailed),
        ..facts_of(&device)
    };
    let refusal = Refusal::OwnErase {
        of: OwnErase::FormatFailed,
        is_without_capacity: false,
    };
    assert_eq!(refusals_of(claim_this(&broken)), [refusal]);

    let for_reformat = |kept: &[String]| {
        let machine = Machine::this();
        let checks = Checks {
            machine: &machine,
            all: std::slice::from_ref(&broken),
            kept,
            plan: PlanKind::default(),
        };
        claim_for_reformat(&broken, &consent(&broken), &checks)
    };
    // What the list said does not count: through the claim it is a drive like any other.
    match for_reformat(&[]) {
        Err(ClaimError::Changed { what, .. }) => assert!(what.contains("Linux drives"), "{what}"),
        other => panic!("{other:?}"),
    }
    match for_reformat(&[broken.identity.id()]) {
        Err(ClaimError::Refused { refusals, .. }) => assert_eq!(refusals, [Refusal::Kept]),
        other => panic!("{other:?}"),
    }
    let held = claim_this(&facts_of(&device)).unwrap();
    match for_reformat(&[]) {
        Err(ClaimError::Refused { refusals, .. }) => assert_eq!(refusals, [Refusal::Busy]),
        other => panic!("{other:?}"),
    }
    drop(held);
}

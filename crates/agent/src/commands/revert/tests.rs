//! What is said after a revert, by what the drive is then.

use super::{concluded, unneeded};
use crate::commands::Status;
use drive::claim::revert::RevertError;
use drive::facts::{DriveFacts, HiddenCapacity, Medium, Security, Tcg, Transport, Zoned};
use drive::health::Health;
use drive::identity::Identity;
use drive::tcg::{Discovery, Psid};

/// Level 0 discovery with this byte of locking; Block SID in force or not.
fn told(flags: u8, sid_blocked: bool) -> Tcg {
    let mut answer = vec![0; 48];
    answer.extend([0, 2, 0x10, 12, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    answer.extend([4, 2, 0x10, 2, u8::from(sid_blocked) << 1, 0]);
    answer[3] = u8::try_from(answer.len() - 4).unwrap();
    Tcg::Told(Discovery::parse(&answer).unwrap())
}

fn drive(tcg: Tcg) -> DriveFacts {
    DriveFacts {
        name: "sdz".into(),
        disk_sequence: None,
        path: "/dev/sdz".into(),
        transport: Transport::Ata,
        bridge: None,
        controller: None,
        bus_path: String::new(),
        vendor: None,
        model: None,
        firmware: None,
        identity: Identity {
            serial: Some("OPAL1".into()),
            ..Identity::default()
        },
        capacity_bytes: 1 << 30,
        logical_sector_bytes: 512,
        physical_sector_bytes: 512,
        medium: Medium::SolidState,
        flash_cache: false,
        zoned: Zoned::No,
        removable: false,
        read_only: false,
        security: Security::default(),
        tcg,
        alone: Ok(()),
        hidden: HiddenCapacity::NotApplicable,
        sanitize: Err("a test".into()),
        format: Err("a test".into()),
        blocks: None,
        health: Health::not_read("a test"),
        volumes: Vec::new(),
        volumes_unread: false,
        uses: Vec::new(),
        silent: None,
        not_reached: Vec::new(),
        oddities: Vec::new(),
    }
}

const LOCKED: u8 = 0x0F;
const FACTORY: u8 = 0x09;

fn after(answer: Result<(), RevertError>, now: Option<DriveFacts>) -> (Status, String) {
    let psid = Psid::parse("VUTSRQPONMLKJIHGFEDCBA9876543210").unwrap();
    concluded(&drive(told(LOCKED, false)), &psid, answer, now.as_ref())
}

#[test]
fn revert_is_believed_only_where_the_drive_is_open_afterwards() {
    let (status, words) = after(Ok(()), Some(drive(told(FACTORY, false))));
    assert_eq!(status, Status::Proven);
    assert!(
        words.contains("proves no erasure") && words.contains("raz wipe"),
        "{words}"
    );

    let other = DriveFacts {
        identity: Identity::default(),
        ..drive(told(FACTORY, false))
    };
    let unknown = Tcg::Unknown {
        reason: "a test".into(),
    };
    for now in [
        Some(drive(told(LOCKED, false))),
        // In use, a shadow MBR, and open until the power goes.
        Some(drive(told(0x1B, false))),
        Some(drive(told(0x0B, false))),
        Some(drive(unknown)),
        Some(drive(Tcg::Absent)),
        Some(other),
        None,
    ] {
        let (status, words) = after(Ok(()), now);
        assert_eq!(status, Status::NotProven, "{words}");
        assert!(words.contains("to do: switch the machine off"), "{words}");
    }
}

#[test]
fn revert_that_was_refused_is_not_done_whatever_the_drive_is_and_says_what_to_do() {
    let locked = || Some(drive(told(LOCKED, false)));
    for (error, todo) in [
        (RevertError::NotAuthorized, "read the label once more"),
        (RevertError::LockedOut, "off and on"),
        (RevertError::NoKernel, "from its image"),
        (RevertError::NotServed, "attach the drive directly"),
    ] {
        let (status, words) = after(Err(error), locked());
        assert_eq!(status, Status::NotProven);
        assert!(
            words.contains("STILL LOCKED") && words.contains(todo),
            "{words}"
        );
    }
    let blocked = Some(drive(told(LOCKED, true)));
    let (_, words) = after(Err(RevertError::Method(0x3F)), blocked);
    assert!(words.contains("Block SID"), "{words}");
    let open = Some(drive(told(FACTORY, false)));
    let (status, _) = after(Err(RevertError::NotAuthorized), open);
    assert_eq!(status, Status::NotProven);
}

#[test]
fn only_locking_in_use_is_worth_a_revert() {
    for flags in [0x07, 0x0B, 0x0F, 0x1F, 0x3B] {
        assert_eq!(unneeded(&told(flags, false)), None, "{flags:02X}");
    }
    let unknown = Tcg::Unknown {
        reason: "a test".into(),
    };
    for tcg in [
        Tcg::Absent,
        unknown,
        told(0x00, false),
        told(FACTORY, false),
    ] {
        assert!(unneeded(&tcg).is_some(), "{tcg:?}");
    }
}

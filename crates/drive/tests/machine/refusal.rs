//! Refusals, stated from facts for each kind of plan.

use crate::support::folder::Folder;
use crate::support::script::Script;
use crate::tcg::level_0;
use drive::facts::{
    Blocks, DriveFacts, OwnErase, Sanitize, SanitizeCommands, Security, Silence, Tcg, Transport,
    Use, Zoned,
};
use drive::medium::Own;
use drive::refusal::{PlanKind, Refusal, refusals};
use drive::tcg::Discovery;

const ALONE: PlanKind = PlanKind {
    unattended: false,
    several: false,
    removable_allowed: false,
    networked_allowed: false,
};
const SEVERAL: PlanKind = PlanKind {
    several: true,
    ..ALONE
};
const UNATTENDED: PlanKind = PlanKind {
    unattended: true,
    ..ALONE
};
const REMOVABLE: PlanKind = PlanKind {
    removable_allowed: true,
    ..UNATTENDED
};

/// A drive with nothing against it.
fn plain() -> DriveFacts {
    let mut folder = Folder::new();
    folder.sata(
        "sda",
        1,
        8192,
        Script::sata("WD-1", 0x5001_4EE2_0000_0001, 8192),
    );
    folder.drive()
}

/// A SCSI disk with blocks of this length.
fn blocks(bytes: u32) -> Option<Blocks> {
    Some(Blocks {
        bytes: Some(bytes),
        protection_type: None,
    })
}

/// Level 0 discovery with this byte of locking.
fn told(flags: u8) -> Tcg {
    Tcg::Told(Discovery::parse(&level_0(flags)).unwrap())
}

fn of(drive: &DriveFacts, plan: PlanKind) -> Vec<Refusal> {
    refusals(drive, std::slice::from_ref(drive), Own::No, &[], plan)
}

#[test]
fn only_locking_that_hides_the_medium_refuses_and_says_what_stands_before_it() {
    let of_flags = |flags| {
        let drive = DriveFacts {
            tcg: told(flags),
            ..plain()
        };
        of(&drive, ALONE)
    };
    for open in [0x00, 0x01, 0x09, 0x0B, 0x3B] {
        assert_eq!(of_flags(open), [], "{open:02X}");
    }
    for (flags, shadow_mbr) in [(0x0F, false), (0x3F, false), (0x1B, true), (0x1F, true)] {
        assert_eq!(of_flags(flags), [Refusal::TcgLocked { shadow_mbr }]);
    }
}

/// A drive of this capacity that is at this, and offers no sanitize that raz could send.
fn at(capacity_bytes: u64, own_erase: OwnErase) -> DriveFacts {
    DriveFacts {
        capacity_bytes,
        own_erase: Some(own_erase),
        sanitize: Err("a test".into()),
        ..plain()
    }
}

#[test]
fn failed_sanitize_is_no_refusal_where_another_one_can_be_sent() {
    for of in [OwnErase::SanitizeFailed, OwnErase::MediaVerification] {
        let offers = DriveFacts {
            sanitize: Ok(Sanitize {
                block_erase: true,
                crypto_erase: false,
                overwrite: false,
                commands: SanitizeCommands::Ata,
            }),
            ..at(512, of)
        };
        assert_eq!(names(&offers), Vec::<&str>::new(), "{of:?}");
        let sizeless = DriveFacts {
            capacity_bytes: 0,
            ..offers
        };
        assert_eq!(names(&sizeless).len(), 1, "{of:?}");
    }
}

fn names(drive: &DriveFacts) -> Vec<&'static str> {
    of(drive, ALONE).iter().map(Refusal::name).collect()
}

#[test]
fn drive_with_nothing_against_it_has_no_refusal_in_any_plan() {
    for plan in [ALONE, SEVERAL, UNATTENDED, REMOVABLE] {
        assert_eq!(of(&plain(), plan), [], "{plan:?}");
    }
}

#[test]
fn each_fact_that_speaks_against_a_drive_refuses_it_in_every_plan() {
    let swap = Use::Swap {
        device: "sda2".into(),
    };
    let held = Use::Held {
        device: "sda1".into(),
        by: "dm-0".into(),
    };
    let mounted = Use::Mounted {
        device: "sda1".into(),
        at: "/mnt".into(),
    };
    let locked = Security {
        locked: Some(true),
        ..Security::default()
    };
    let p = plain;
    for (drive, expected) in [
        (
            DriveFacts {
                uses: vec![swap],
                ..p()
            },
            "swap",
        ),
        (
            DriveFacts {
                uses: vec![held],
                ..p()
            },
            "held",
        ),
        (
            DriveFacts {
                uses: vec![mounted],
                ..p()
            },
            "mounted",
        ),
        (
            DriveFacts {
                uses: vec![Use::Busy],
                ..p()
            },
            "busy",
        ),
        (
            DriveFacts {
                read_only: true,
                ..p()
            },
            "read-only",
        ),
        (
            DriveFacts {
                transport: Transport::Network,
                ..p()
            },
            "networked",
        ),
        (
            DriveFacts {
                security: locked,
                ..p()
            },
            "locked",
        ),
        (
            DriveFacts {
                tcg: told(0x0F),
                ..p()
            },
            "TCG-locked",
        ),
        (
            DriveFacts {
                tcg: told(0x1B),
                ..p()
            },
            "TCG-locked",
        ),
        (
            DriveFacts {
                zoned: Zoned::HostManaged,
                ..p()
            },
            "host-managed zones",
        ),
        (
            DriveFacts {
                silent: Some(Silence::NoAnswer("did not answer".into())),
                ..p()
            },
            "silent",
        ),
        (
            DriveFacts {
                silent: Some(Silence::NotOpened("No such device".into())),
                ..p()
            },
            "not opened",
        ),
        (
            DriveFacts {
                silent: Some(Silence::Denied("Operation not permitted".into())),
                ..p()
            },
            "access denied",
        ),
        (
            DriveFacts {
                capacity_bytes: 0,
                ..p()
            },
            "no capacity",
        ),
        (
            at(0, OwnErase::Sanitizing { progress: None }),
            "erasing itself",
        ),
        (
            at(512, OwnErase::Formatting { progress: Some(9) }),
            "formatting itself",
        ),
        (at(512, OwnErase::FormatFailed), "format failed"),
        (at(512, OwnErase::SanitizeFailed), "sanitize failed"),
        (at(0, OwnErase::MediaVerification), "in media verification"),
        (
            DriveFacts {
                blocks: blocks(520),
                ..at(0, OwnErase::FormatFailed)
            },
            "format failed",
        ),
        (
            DriveFacts {
                capacity_bytes: 0,
                blocks: blocks(520),
                ..p()
            },
            "unserved blocks",
        ),
        (
            DriveFacts {
                capacity_bytes: 0,
                blocks: blocks(512),
                ..p()
            },
            "no capacity",
        ),
    ] {
        for plan in [ALONE, SEVERAL, UNATTENDED, REMOVABLE] {
            let found = of(&drive, plan);
            let names: Vec<&str> = found.iter().map(Refusal::name).collect();
            assert_eq!(names, [expected], "{plan:?}");
            assert!(found[0].to_string().starts_with(expected));
            assert!(!found[0].remedy().is_empty());
        }
    }
}

#[test]
fn drive_over_a_network_is_allowed_only_where_that_was_asked_for_and_never_unattended() {
    const ASKED_FOR: PlanKind = PlanKind {
        networked_allowed: true,
        ..SEVERAL
    };
    let drive = DriveFacts {
        transport: Transport::Network,
        ..plain()
    };
    assert_eq!(of(&drive, SEVERAL), [Refusal::Networked]);
    assert_eq!(of(&drive, ASKED_FOR), []);
    let unattended = PlanKind {
        unattended: true,
        ..ASKED_FOR
    };
    assert_eq!(of(&drive, unattended), [Refusal::Networked]);
    let used = DriveFacts {
        read_only: true,
        uses: vec![Use::Busy],
        ..drive
    };
    assert_eq!(of(&used, ASKED_FOR), [Refusal::Busy, Refusal::ReadOnly]);
}

#[test]
fn facts_that_do_not_speak_against_it_do_not_refuse_it() {
    let unlocked = Security {
        enabled: Some(true),
        locked: Some(false),
        frozen: Some(true),
        ..Security::default()
    };
    for drive in [
        DriveFacts {
            security: unlocked,
            ..plain()
        },
        DriveFacts {
            zoned: Zoned::HostAware,
            ..plain()
        },
        DriveFacts {
            transport: Transport::RaidVolume,
            ..plain()
        },
    ] {
        assert_eq!(of(&drive, UNATTENDED), []);
    }
}

#[test]
fn drive_without_identity_is_ambiguous_only_where_it_could_be_mistaken() {
    let mut drive = plain();
    (drive.identity.serial, drive.identity.world_wide) = (None, None);
    let nameless = Refusal::AmbiguousIdentity { same_as: vec![] };
    assert_eq!(of(&drive, ALONE), []);
    assert_eq!(of(&drive, SEVERAL), std::slice::from_ref(&nameless));
    assert_eq!(of(&drive, UNATTENDED), [nameless]);
}

#[test]
fn twins_are_ambiguous_in_plans_of_several_and_name_each_other() {
    let drive = plain();
    let twin = DriveFacts {
        path: "/dev/sdb".into(),
        ..plain()
    };
    let mut other_area = DriveFacts {
        path: "/dev/sdc".into(),
        ..plain()
    };
    other_area.identity.area = "lun-1".into();
    let all = [drive.clone(), twin, other_area];
    let same_as = vec!["/dev/sdb".into()];
    assert_eq!(refusals(&drive, &all, Own::No, &[], ALONE), []);
    assert_eq!(
        refusals(&drive, &all, Own::No, &[], SEVERAL),
        [Refusal::AmbiguousIdentity { same_as }]
    );
}

#[test]
fn kept_drives_are_named_by_whole_serial_or_id() {
    let drive = plain();
    let kept = |text: &str| refusals(&drive, &[], Own::No, &[text.to_owned()], UNATTENDED);
    assert_eq!(kept(" wd-1 "), [Refusal::Kept]);
    assert_eq!(kept(&drive.identity.id()), [Refusal::Kept]);
    for other in ["WD", "WD-12", "", " "] {
        assert_eq!(kept(other), [], "{other:?}");
    }
}

#[test]
fn removable_drives_are_unattended_only_when_allowed() {
    for drive in [
        DriveFacts {
            removable: true,
            ..plain()
        },
        DriveFacts {
            transport: Transport::Usb,
            ..plain()
        },
        DriveFacts {
            transport: Transport::Sd,
            ..plain()
        },
    ] {
        assert_eq!(of(&drive, UNATTENDED), [Refusal::RemovableUnattended]);
        assert_eq!(of(&drive, REMOVABLE), []);
        assert_eq!(of(&drive, SEVERAL), []);
    }
}

#[test]
fn boot_medium_is_refused_first_and_with_everything_else() {
    let drive = DriveFacts {
        read_only: true,
        ..plain()
    };
    for (own, refusal) in [
        (Own::Yes, Refusal::BootMedium),
        (Own::Maybe, Refusal::MaybeBootMedium),
    ] {
        let found = refusals(&drive, &[], own, &[], REMOVABLE);
        assert_eq!(found, [refusal, Refusal::ReadOnly]);
    }
}

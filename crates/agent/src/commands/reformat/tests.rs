//! What is said before and after a reformat.

use super::{sibling, unneeded, words};
use drive::facts::{Blocks, DriveFacts, HiddenCapacity, Medium, OwnErase, Transport};
use drive::identity::Identity;
use wipe::reformat::{Layout, Reformatted};

fn drive(path: &str, block_bytes: u32, capacity_bytes: u64) -> DriveFacts {
    DriveFacts {
        path: path.into(),
        identity: Identity {
            serial: Some("6SJ00001".into()),
            ..Identity::default()
        },
        capacity_bytes,
        medium: Medium::Rotating { rpm: 10_500 },
        hidden: HiddenCapacity::NotApplicable,
        blocks: Some(Blocks {
            bytes: Some(block_bytes),
            protection_type: None,
        }),
        ..DriveFacts::unasked("sdz", Transport::Scsi)
    }
}

#[test]
fn disk_that_linux_drives_is_not_formatted() {
    assert_eq!(unneeded(&drive("/dev/sdz", 520, 0)), None);
    let against = unneeded(&drive("/dev/sdz", 512, 1 << 30)).unwrap();
    assert!(against.contains("raz wipe"), "{against}");
    // Protection information that Linux drives is no reason.
    let mut protected = drive("/dev/sdz", 512, 1 << 30);
    protected.blocks.as_mut().unwrap().protection_type = Some(2);
    assert!(unneeded(&protected).is_some());
    for of in [
        OwnErase::FormatFailed,
        OwnErase::Formatting { progress: None },
    ] {
        let mut broken = drive("/dev/sdz", 512, 1 << 30);
        broken.own_erase = Some(of);
        assert_eq!(unneeded(&broken), None);
    }
}

#[test]
fn disk_with_another_unit_of_the_same_serial_is_not_formatted() {
    let one = drive("/dev/sdz", 520, 0);
    let mut unit = drive("/dev/sdy", 520, 0);
    unit.identity.area = "lun-1".into();
    assert_eq!(sibling(&one, std::slice::from_ref(&one)), None);
    let against = sibling(&one, &[one.clone(), unit.clone()]).unwrap();
    assert!(against.contains("/dev/sdy"), "{against}");
    unit.identity.serial = Some("6SJ00002".into());
    assert_eq!(sibling(&one, &[one.clone(), unit]), None);
}

#[test]
fn success_is_the_disks_word_and_no_erasure() {
    let done = Reformatted {
        before: None,
        after: Layout {
            blocks: 1000,
            block_bytes: 512,
        },
        was_under_way: true,
    };
    let now = drive("/dev/sdz", 512, 512_000);
    let told = words(&done, &now);
    assert!(
        told.contains("by its own word") && told.contains("proves no erasure"),
        "{told}"
    );
    let hasty = Reformatted {
        was_under_way: false,
        ..done
    };
    assert!(words(&hasty, &now).contains("at once"));
}

//! Areas in memory, as `wipe` leaves them, and what the report says of them.

use super::{BootAreaState, Run, left, record, remarks};
use crate::compose::erasure::tests::claimed;
use crate::work::{Order, not_started};
use drive::claim::{Consent, ConsentSource};
use drive::facts::{DriveFacts, Transport};
use drive::mmc::boot::BootAreaFacts;
use std::cell::RefCell;
use std::io;
use wipe::native::Technique;
use wipe::native::boot_area::{Area, Record, empty};
use wipe::plan::{Plan, Rung, Wishes, plan};

const BYTES: usize = 128 << 10;

/// One whose protection is odd.
struct Filled(RefCell<Vec<u8>>);

impl Area for Filled {
    fn bytes(&self) -> u64 {
        self.0.borrow().len() as u64
    }

    fn read_at(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        let start = usize::try_from(offset_bytes).unwrap();
        buffer.copy_from_slice(&self.0.borrow()[start..start + buffer.len()]);
        Ok(())
    }

    fn lift(&mut self) -> Result<(), String> {
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset_bytes: u64) -> io::Result<()> {
        let start = usize::try_from(offset_bytes).unwrap();
        self.0.borrow_mut()[start..start + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn protect(&mut self) -> Result<(), String> {
        Err("force_ro was not set again".into())
    }
}

/// One that reads as this byte everywhere; it is blank where that is a filling.
pub(in crate::compose) fn area(number: u8, filling: u8) -> Record {
    let mut area = Filled(RefCell::new(vec![filling; BYTES]));
    empty(number, &mut area, Some("a test".into()), &|| true)
}

/// One that held data.
pub(in crate::compose) fn overwritten(number: u8) -> Record {
    let mut area = Filled(RefCell::new(vec![0xA5; BYTES]));
    empty(number, &mut area, None, &|| true)
}

/// A run on a card whose own erase was planned, with what became of its areas.
fn run(areas: Vec<Record>) -> Run {
    let boot = |number: u8| BootAreaFacts {
        number,
        name: Some(format!("mmcblk0boot{number}")),
        bytes: BYTES as u64,
        unwritable: None,
    };
    let facts = DriveFacts {
        boot_areas: vec![boot(0), boot(1)],
        ..DriveFacts::unasked("mmcblk0", Transport::Mmc)
    };
    let ladder = vec![Rung {
        technique: Technique::BlockErase,
        is_purge: true,
    }];
    let order = Order {
        plan: Plan {
            ladder,
            ..plan(&facts, &Wishes::default())
        },
        consent: Consent {
            id: facts.identity.id(),
            source: ConsentSource::Typed,
        },
        armed_until: None,
        restoration: None,
        thaw: None,
        facts,
    };
    let mut run = not_started(order, "a test".into()).unwrap();
    let mut erase = claimed(Technique::BlockErase);
    erase.evidence.boot_areas = areas;
    run.outcome.own_erases = vec![erase];
    run
}

#[test]
fn area_in_the_report_has_its_bytes_verified_or_a_reason() {
    let blank = record(&area(1, 0xFF));
    assert_eq!((&*blank.area, blank.state), ("boot1", BootAreaState::Blank));
    assert_eq!(
        (blank.bytes, blank.verified_bytes),
        (BYTES as u64, BYTES as u64)
    );
    assert_eq!(blank.reason, None);
    let kept = record(&area(0, 0xA5));
    assert_eq!((&*kept.area, kept.state), ("boot0", BootAreaState::Left));
    assert_eq!((kept.bytes, kept.verified_bytes), (BYTES as u64, 0));
    assert!(kept.reason.unwrap().contains("holds data"));
}

#[test]
fn areas_that_keep_something_or_were_not_looked_at_are_not_reached() {
    let named = |areas| left(&run(areas)).collect::<Vec<_>>();
    assert_eq!(
        named(vec![area(0, 0x00), area(1, 0xFF)]),
        Vec::<String>::new()
    );
    assert_eq!(
        named(vec![area(0, 0x00), area(1, 0xA5)]),
        ["boot area boot1, 131072 bytes: holds data, and is not written: a test"]
    );
    let emptied = named(vec![area(0, 0x00), overwritten(1)]);
    assert!(emptied.len() == 1 && emptied[0].contains("was overwritten and read back"));
    let unbegun = named(Vec::new());
    assert_eq!(unbegun.len(), 2);
    assert!(unbegun.iter().all(|text| text.contains("not looked at")));
    // Without an erase of its own the plan names them.
    let mut clear = run(Vec::new());
    clear.plan.ladder.clear();
    assert_eq!(left(&clear).count(), 0);
}

#[test]
fn protection_that_was_not_set_again_is_told() {
    let told: String = remarks(&run(vec![area(1, 0x00)])).collect();
    assert_eq!(told, "; boot area boot1: force_ro was not set again");
}

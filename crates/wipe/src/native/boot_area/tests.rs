use super::*;
use std::cell::{Cell, RefCell};

/// An area in memory, and what goes wrong with it.
struct Fake {
    bytes: RefCell<Vec<u8>>,
    /// The kernel's switch.
    is_protected: bool,
    lift_fails: bool,
    protect_fails: bool,
    flush_fails: bool,
    /// A write to this byte is answered and changes nothing.
    swallows: Option<usize>,
    /// This byte cannot be read from the so-many-th read on.
    unreadable: Option<(usize, u32)>,
    reads: Cell<u32>,
    writes: Cell<u32>,
}

const BYTES: usize = (2 << 20) + (128 << 10);

fn fake(filling: u8) -> Fake {
    Fake {
        bytes: RefCell::new(vec![filling; BYTES]),
        is_protected: true,
        lift_fails: false,
        protect_fails: false,
        flush_fails: false,
        swallows: None,
        unreadable: None,
        reads: Cell::new(0),
        writes: Cell::new(0),
    }
}

/// One with a secret in its last byte.
fn with_data() -> Fake {
    let fake = fake(0xFF);
    fake.bytes.borrow_mut()[BYTES - 1] = 0x7A;
    fake
}

impl Area for Fake {
    fn bytes(&self) -> u64 {
        self.bytes.borrow().len() as u64
    }

    fn read_at(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        self.reads.set(self.reads.get() + 1);
        let start = usize::try_from(offset_bytes).unwrap();
        let range = start..start + buffer.len();
        if let Some((at, from)) = self.unreadable
            && range.contains(&at)
            && self.reads.get() >= from
        {
            return Err(io::Error::from_raw_os_error(5));
        }
        buffer.copy_from_slice(&self.bytes.borrow()[range]);
        Ok(())
    }

    fn lift(&mut self) -> Result<(), String> {
        if self.lift_fails {
            return Err("stays".into());
        }
        self.is_protected = false;
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset_bytes: u64) -> io::Result<()> {
        if self.is_protected {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.writes.set(self.writes.get() + 1);
        let start = usize::try_from(offset_bytes).unwrap();
        let mut medium = self.bytes.borrow_mut();
        let kept = self.swallows.map(|at| (at, medium[at]));
        medium[start..start + bytes.len()].copy_from_slice(bytes);
        if let Some((at, byte)) = kept {
            medium[at] = byte;
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        match self.flush_fails {
            true => Err(io::Error::from_raw_os_error(5)),
            false => Ok(()),
        }
    }

    fn protect(&mut self) -> Result<(), String> {
        if self.protect_fails {
            return Err("force_ro was not set again".into());
        }
        self.is_protected = true;
        Ok(())
    }
}

fn run(fake: &mut Fake) -> Record {
    empty(1, fake, None, &|| true)
}

/// Why it is left.
fn left(record: &Record) -> &str {
    assert!(!record.is_empty(), "{record:?}");
    match record.end() {
        End::Left(why) => why,
        End::Blank(_) | End::Overwritten => panic!("{record:?}"),
    }
}

#[test]
fn area_of_one_filling_is_blank_when_every_byte_was_read_and_nothing_is_written() {
    for filling in FILLINGS {
        let mut fake = fake(filling);
        // Also where it may not be written.
        for unwritable in [None, Some("booted".to_owned())] {
            let record = empty(0, &mut fake, unwritable, &|| true);
            assert_eq!(record.end(), &End::Blank(filling));
            assert!(record.is_empty() && record.bytes() == BYTES as u64);
        }
        assert_eq!((fake.reads.get(), fake.writes.get()), (6, 0));
        assert!(fake.is_protected);
    }
    // Any other byte is somebody's, and so is one filling after another.
    let mut other = fake(0xA5);
    assert_eq!(run(&mut other).end(), &End::Overwritten);
    let mut halves = fake(0x00);
    halves.bytes.borrow_mut()[1 << 20..].fill(0xFF);
    assert_eq!(run(&mut halves).end(), &End::Overwritten);
    let mut none = fake(0x00);
    none.bytes.borrow_mut().clear();
    assert_eq!(left(&run(&mut none)), "it has no bytes");
}

/// Some PCs start from an area that the register does not call bootable.
#[test]
fn area_that_holds_firmware_is_not_written_whatever_the_register_says() {
    for (at, name) in [
        (40, "_FVH"),
        (0x10, "$FPT"),
        (0, "$CPD"),
        (BYTES - 4, "_FVH"),
    ] {
        let mut fake = with_data();
        fake.bytes.borrow_mut()[at..at + 4].copy_from_slice(name.as_bytes());
        let record = run(&mut fake);
        assert!(left(&record).contains(name), "{record:?}");
        assert_eq!(fake.writes.get(), 0);
    }
}

#[test]
fn area_with_one_byte_of_data_is_overwritten_to_the_last_byte_and_protected_again() {
    let mut fake = with_data();
    let record = run(&mut fake);
    assert_eq!(record.end(), &End::Overwritten);
    assert!(record.is_empty() && record.number() == 1 && record.remark().is_none());
    assert!(fake.bytes.borrow().iter().all(|byte| *byte == 0));
    assert!(fake.is_protected);
    assert_eq!(fake.writes.get(), 6, "the pattern, and zeros");
}

#[test]
fn area_that_may_not_be_written_keeps_its_data_and_is_left() {
    let mut fake = with_data();
    let before = fake.bytes.borrow().clone();
    let record = empty(0, &mut fake, Some("booted".into()), &|| true);
    assert_eq!(left(&record), "holds data, and is not written: booted");
    assert_eq!(*fake.bytes.borrow(), before);
    assert_eq!(fake.writes.get(), 0);
}

#[test]
fn each_failure_leaves_the_area_and_protects_it_again() {
    type Change = fn(&mut Fake);
    let changes: [(&str, Change); 6] = [
        ("takes no writes: stays", |fake| fake.lift_fails = true),
        ("the flush failed", |fake| fake.flush_fails = true),
        ("byte 77 is not what was written", |fake| {
            fake.swallows = Some(77);
        }),
        ("byte 2228223 is not what was written", |fake| {
            fake.swallows = Some(BYTES - 1);
        }),
        ("not readable: at byte 1048576", |fake| {
            fake.unreadable = Some((1 << 20, 0));
        }),
        ("not readable: at byte 2097152", |fake| {
            fake.unreadable = Some((BYTES - 1, 4));
        }),
    ];
    for (says, change) in changes {
        let mut fake = with_data();
        change(&mut fake);
        let record = run(&mut fake);
        assert!(left(&record).contains(says), "{says}: {record:?}");
        assert!(fake.is_protected, "{says}");
    }
}

#[test]
fn stop_ends_it_at_each_request_without_a_claim_and_protects_it_again() {
    // 3 reads, then twice 3 writes and 3 reads.
    for stop in 0..15 {
        let mut fake = with_data();
        let asked = Cell::new(0);
        let goes_on = || {
            asked.set(asked.get() + 1);
            asked.get() <= stop
        };
        let record = empty(0, &mut fake, None, &goes_on);
        assert!(left(&record).contains("stopped by the operator"), "{stop}");
        assert!(fake.is_protected, "{stop}");
    }
    let all = Cell::new(0);
    let goes_on = || {
        all.set(all.get() + 1);
        all.get() <= 15
    };
    assert!(empty(0, &mut with_data(), None, &goes_on).is_empty());
}

#[test]
fn protection_that_is_not_set_again_is_told_and_takes_nothing_back() {
    let mut fake = with_data();
    fake.protect_fails = true;
    let record = run(&mut fake);
    assert!(record.is_empty());
    assert_eq!(record.remark(), Some("force_ro was not set again"));
}

/// What was not read is not blank, and what has no bytes was not overwritten.
#[test]
fn area_is_blank_or_empty_by_its_end_and_only_where_it_has_bytes() {
    let record = |bytes, end| Record {
        bytes,
        end,
        ..Record::left(0, 0, "")
    };
    for (end, is_blank, is_empty) in [
        (End::Blank(0), true, true),
        (End::Overwritten, false, true),
        (End::Left("a reason".into()), false, false),
    ] {
        let some = record(1, end.clone());
        assert_eq!((some.is_blank(), some.is_empty()), (is_blank, is_empty));
        let none = record(0, end);
        assert_eq!((none.is_blank(), none.is_empty()), (false, false));
    }
}

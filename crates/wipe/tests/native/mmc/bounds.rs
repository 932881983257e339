//! How long a card is waited for, and what of its answers is no success: over a card of any size whose
//! every answer is the test's.

use super::{Bench, with};
use drive::mmc::ExtCsd;
use drive::mmc::erasing::Erasing;
use drive::port::{AdminCommand, AdminReply, Data, MmcCommand, Port, ScsiReply};
use sim::mmc::options::{Lies, Options};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wipe::native::mmc::{MmcSanitize, Now};
use wipe::native::{Sanitize as _, State, Technique};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
/// Ready, and nothing is wrong.
const GOOD: u32 = 0x0000_0900;
/// 64 GiB, of which one part is 2048 erase groups.
const SECTORS: u32 = 64 << 21;

/// Answers each command with success, and erases nothing.
struct Card {
    register: [u8; 512],
    status: u32,
    /// What a read leaves in the buffer.
    read: fn(&mut [u8]),
    /// Commands, and how long they were given.
    given: Mutex<Vec<(u8, Duration)>>,
}

impl Card {
    /// ERASE_TIMEOUT_MULT is in units of 300 ms for a group.
    fn new(erase_timeout: u8) -> Self {
        let mut register = [0; 512];
        register[192] = 8;
        register[212..216].copy_from_slice(&SECTORS.to_le_bytes());
        register[223] = erase_timeout;
        register[224] = 1;
        register[231] = 0x50;
        Self {
            register,
            status: GOOD,
            read: |buffer| buffer.fill(0),
            given: Mutex::default(),
        }
    }

    fn erasing(&self) -> Erasing {
        Erasing::of(&ExtCsd::parse(&self.register).expect("a register")).expect("sanitize")
    }

    /// How long each command of this index was given.
    fn given(&self, index: u8) -> Vec<Duration> {
        let given = self.given.lock().expect("no panic");
        let of = given.iter().filter(|(sent, _)| *sent == index);
        of.map(|(_, timeout)| *timeout).collect()
    }
}

impl Port for Card {
    fn scsi(&self, _: &[u8], _: Data<'_>, _: Duration) -> io::Result<ScsiReply> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn nvme_admin(&self, _: &AdminCommand, _: Data<'_>, _: Duration) -> io::Result<AdminReply> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        Ok(self.register)
    }

    fn mmc(&self, commands: &[MmcCommand], timeout: Duration) -> io::Result<Vec<u32>> {
        let mut given = self.given.lock().expect("no panic");
        given.extend(commands.iter().map(|command| (command.index, timeout)));
        Ok(vec![self.status; commands.len()])
    }

    fn read_at(&self, buffer: &mut [u8], _: u64) -> io::Result<()> {
        (self.read)(buffer);
        Ok(())
    }
}

fn door(card: &Arc<Card>, now: Now) -> MmcSanitize {
    let hold = Box::new(|_| Err("no boot areas".into()));
    MmcSanitize::new(Arc::clone(card) as Arc<dyn Port>, card.erasing(), hold, now)
}

/// The time when it is first asked for, and from then on.
fn then(time: Duration) -> Now {
    let is_asked = AtomicBool::new(false);
    Box::new(move || match is_asked.swap(true, Ordering::Relaxed) {
        true => time,
        false => Duration::ZERO,
    })
}

#[test]
fn erase_is_given_up_after_two_hours_and_not_before() {
    let start = |took| {
        let card = Arc::new(Card::new(1));
        let refusal = door(&card, then(took)).start(Technique::BlockErase);
        (refusal.err(), card.given(38).len())
    };
    assert_eq!(start(HOUR * 2), (None, 64));
    let given_up = "the erase takes longer than any card needs".to_owned();
    let second = Duration::from_secs(1);
    assert_eq!(start(HOUR * 2 + second), (Some(given_up), 1));
}

#[test]
fn each_part_of_the_erase_is_given_the_cards_word_for_its_groups_within_bounds() {
    for (erase_timeout, given) in [
        // The card does not say.
        (0, MINUTE),
        (1, Duration::from_millis(300) * 2048),
        (255, HOUR),
    ] {
        let card = Arc::new(Card::new(erase_timeout));
        let door = door(&card, then(MINUTE));
        assert_eq!(door.start(Technique::BlockErase), Ok(()));
        for index in [35, 36, 38] {
            assert_eq!(card.given(index), vec![given; 64], "{erase_timeout}");
        }
    }
}

/// As slow as flash that removes by overwriting, 5 MB in a second.
#[test]
fn sanitize_is_given_an_hour_and_time_for_every_byte_and_all_of_it_is_borne() {
    let card = Arc::new(Card::new(0));
    let door = door(&card, then(MINUTE));
    assert_eq!(door.start(Technique::BlockErase), Ok(()));
    let sanitize = HOUR + Duration::from_secs((64 << 30) / 5_000_000);
    assert_eq!(card.given(6), [sanitize]);
    // Two hours for the erase and one for its last part, which may begin just before; one for the rest.
    assert_eq!(door.blocks_for(), sanitize + HOUR * 4);
}

#[test]
fn report_tells_how_many_erases_were_answered_and_how_long_they_took() {
    let card = Arc::new(Card::new(0));
    let whole = door(&card, then(MINUTE));
    assert_eq!(whole.start(Technique::BlockErase), Ok(()));
    let raw = whole.said().raw;
    assert!(raw.contains("; 64 erases answered in 60.000 s; "), "{raw}");
    // Five parts, and the group that the area ends in.
    let bench = Bench::new(Options::default());
    let door = bench.door();
    assert_eq!(door.start(Technique::BlockErase), Ok(()));
    let raw = door.said().raw;
    assert!(raw.contains("; 6 erases answered in "), "{raw}");
}

/// A path that answers a read and moves nothing must not pass for a card that reads as erased.
#[test]
fn read_that_moves_nothing_is_not_taken_for_erased_memory() {
    for erased_reads_ones in [0, 1] {
        let mut card = Card::new(0);
        card.register[181] = erased_reads_ones;
        card.read = |_| ();
        let door = door(&Arc::new(card), then(MINUTE));
        assert_eq!(door.start(Technique::BlockErase), Ok(()));
        let State::Failed(why) = door.said().state else {
            panic!("{:?}", door.said());
        };
        assert!(why.contains("sector 1023 does not read as erased"), "{why}");
    }
}

#[test]
fn card_that_is_locked_or_tells_an_error_or_is_at_something_else_is_not_idle() {
    for (status, says) in [
        (GOOD | 1 << 25, "the card is locked by a password"),
        (GOOD | 1 << 19, "card status 00080900"),
        // Receiving data.
        (6 << 9, "card state 6"),
    ] {
        let mut card = Card::new(0);
        card.status = status;
        let door = door(&Arc::new(card), then(MINUTE));
        assert_eq!(door.said().state, State::Unknown(says.into()));
    }
}

#[test]
fn card_that_is_locked_or_tells_an_error_gets_no_erase() {
    for status in [GOOD | 1 << 25, GOOD | 1 << 19] {
        let mut card = Card::new(0);
        card.status = status;
        let card = Arc::new(card);
        let refusal = door(&card, then(MINUTE)).start(Technique::BlockErase);
        let wanted = format!("erase: card status {status:08x} before it");
        assert_eq!(refusal, Err(wanted));
        assert_eq!(card.given(38), []);
    }
}

/// An eMMC shows no sector that a standard lets be unreadable, and after a sanitize that went wrong it
/// is still a disk.
#[test]
fn reads_that_fail_are_not_excused_and_a_card_that_failed_can_be_overwritten() {
    let door = Bench::new(with(Lies::default())).door();
    assert!(!door.may_be_unreadable_after(Technique::BlockErase));
    assert!(door.takes_writes_after_failure());
}

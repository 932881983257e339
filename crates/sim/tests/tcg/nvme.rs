//! By Security Send and Security Receive.

use crate::host::{
    BUFFER_BYTES, PSID, SECRET, SHADOW, locking, owned, revert, secret_sector, session,
    start_session, status,
};
use sim::clock::Clock;
use sim::device::{Event, NvmeAnswer, NvmeDevice};
use sim::nvme::NvmeDrive;
use sim::nvme::options::Options;
use sim::tcg;

const ACCESS_DENIED: u16 = 0x286;

struct Drive(NvmeDrive);

impl Drive {
    fn new(tcg: Option<tcg::Options>) -> Self {
        let options = Options {
            tcg,
            ..Options::default()
        };
        let mut drive = NvmeDrive::new(options, Clock::by_hand());
        for address in [2, 20] {
            drive.cells_mut(1).unwrap().write(address, &secret_sector());
        }
        Self(drive)
    }

    fn admin(&mut self, opcode: u8, dwords: [u32; 2], out: &[u8]) -> NvmeAnswer {
        let mut entry = [0; 64];
        entry[0] = opcode;
        entry[40..44].copy_from_slice(&dwords[0].to_le_bytes());
        entry[44..48].copy_from_slice(&dwords[1].to_le_bytes());
        self.0.admin(&entry, out).expect("an answer")
    }

    fn level_0(&mut self) -> Vec<u8> {
        let answer = self.admin(0x82, [0x0100_0100, BUFFER_BYTES as u32], &[]);
        assert_eq!((answer.status, answer.data.len()), (0, BUFFER_BYTES));
        answer.data
    }

    fn exchange(&mut self, payload: &[u8]) -> Vec<u8> {
        let dwords = [0x0110_0400, BUFFER_BYTES as u32];
        assert_eq!(self.admin(0x81, dwords, payload).status, 0);
        let answer = self.admin(0x82, dwords, &[]);
        assert_eq!(answer.status, 0);
        answer.data
    }

    fn io(&mut self, opcode: u8, lba: u64, out: &[u8]) -> NvmeAnswer {
        let mut entry = [0; 64];
        entry[0] = opcode;
        entry[4] = 1;
        entry[40..48].copy_from_slice(&lba.to_le_bytes());
        self.0.io(&entry, out).expect("an answer")
    }

    fn starts(&mut self, psid: &[u8]) -> u8 {
        status(&self.exchange(&start_session(psid)))
    }

    /// Status of a revert with the right PSID.
    fn reverts(&mut self) -> u8 {
        let started = self.exchange(&start_session(PSID));
        let session = session(&started);
        status(&self.exchange(&revert(session)))
    }
}

#[test]
fn drive_without_tcg_knows_no_security_command() {
    let mut drive = Drive::new(None);
    assert_eq!(drive.admin(0x82, [0x0100_0100, 512], &[]).status, 0x001);
    assert_eq!(drive.admin(0x06, [1, 0], &[]).data[256] & 1, 0);
    let mut drive = Drive::new(Some(tcg::Options::default()));
    assert_eq!(drive.admin(0x06, [1, 0], &[]).data[256] & 1, 1);
    // Another protocol is an invalid field.
    assert_eq!(drive.admin(0x82, [0xEF00_0000, 512], &[]).status, 0x002);
}

#[test]
fn what_is_locked_is_denied_and_the_shadow_is_read_instead() {
    let mut drive = Drive::new(Some(owned()));
    assert_eq!(locking(&drive.level_0()), 0x1F);
    assert!(drive.io(0x02, 0, &[]).data.starts_with(SHADOW));
    assert_eq!(drive.io(0x02, 20, &[]).status, ACCESS_DENIED);
    assert_eq!(drive.io(0x01, 20, &[7; 512]).status, ACCESS_DENIED);
    assert_eq!(drive.io(0x01, 2, &[7; 512]).status, ACCESS_DENIED);
    assert_eq!(drive.io(0x01, 4, &[7; 512]).status, 0);
    // Sanitize and Format NVM.
    assert_eq!(drive.admin(0x84, [2, 0], &[]).status, ACCESS_DENIED);
    assert_eq!(drive.admin(0x80, [0x200, 0], &[]).status, ACCESS_DENIED);
    assert_eq!(drive.0.find(SECRET), 2);
}

#[test]
fn revert_with_the_psid_opens_the_drive_and_its_data_is_gone() {
    let mut drive = Drive::new(Some(owned()));
    assert_eq!(drive.reverts(), 0);
    assert_eq!(locking(&drive.level_0()), 0x09);
    assert_eq!(drive.0.find(SECRET), 0);
    assert_eq!(drive.io(0x01, 20, &[7; 512]).status, 0);
}

#[test]
fn wrong_psid_is_not_authorized_and_too_many_lock_it_out_until_the_power_goes() {
    let mut drive = Drive::new(Some(owned()));
    for _ in 0..5 {
        assert_eq!(drive.starts(b"01234567890123456789012345678901"), 0x01);
    }
    assert_eq!(drive.starts(PSID), 0x12);
    assert_eq!(locking(&drive.level_0()), 0x1F);
    assert_eq!(drive.0.find(SECRET), 2);
    drive.0.event(Event::PowerOff);
    drive.0.event(Event::PowerOn);
    assert_eq!(drive.reverts(), 0);
}

#[test]
fn drive_that_does_not_encrypt_opens_with_its_data() {
    let mut drive = Drive::new(Some(tcg::Options {
        class: tcg::Class::Pyrite1,
        encrypts: false,
        ..owned()
    }));
    assert_eq!(locking(&drive.level_0()), 0x17);
    assert_eq!(drive.reverts(), 0);
    assert_eq!(locking(&drive.level_0()), 0x01);
    assert!(drive.io(0x02, 20, &[]).data.starts_with(SECRET));
}

#[test]
fn lies_answer_success_and_keep_data_or_lock() {
    let mut keeps = owned();
    keeps.lies.revert_keeps_data = true;
    let mut drive = Drive::new(Some(keeps));
    assert_eq!(drive.reverts(), 0);
    assert_eq!(locking(&drive.level_0()), 0x09);
    assert!(drive.io(0x02, 20, &[]).data.starts_with(SECRET));

    let mut stays = owned();
    stays.lies.revert_stays_locked = true;
    let mut drive = Drive::new(Some(stays));
    assert_eq!(drive.reverts(), 0);
    assert_eq!(locking(&drive.level_0()), 0x1F);
    assert_eq!(drive.io(0x02, 20, &[]).status, ACCESS_DENIED);
}

#[test]
fn malformed_packets_are_dropped_and_get_an_empty_answer() {
    let mut drive = Drive::new(Some(owned()));
    let whole = start_session(PSID);
    for end in 0..80 {
        let mut cut = whole[..end].to_vec();
        cut.resize(BUFFER_BYTES, 0xE3);
        let answer = drive.exchange(&cut);
        let is_empty = answer[16..20] == [0; 4];
        assert!(is_empty || status(&answer) != 0, "{end}");
    }
    assert_eq!(drive.reverts(), 0);
}

//! By ATA PASS-THROUGH, and by SECURITY PROTOCOL as Linux' sd sends it.

use crate::host::{
    BUFFER_BYTES, PSID, SECRET, SHADOW, locking, owned, revert, secret_sector, session,
    start_session, status,
};
use sim::ata::disk::AtaDisk;
use sim::ata::options::Options;
use sim::clock::Clock;
use sim::device::{Event, ScsiAnswer, ScsiDevice};
use sim::tcg;

const TRUSTED_RECEIVE: [u8; 16] = [
    0x85, 0x08, 0x0E, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0x40, 0x5C, 0,
];

struct Disk(AtaDisk);

impl Disk {
    /// With the secret in sectors 2 and 20, put there behind its back.
    fn new(tcg: Option<tcg::Options>) -> Self {
        let options = Options {
            tcg,
            ..Options::default()
        };
        let mut disk = Self(AtaDisk::new(options, Clock::by_hand()));
        for address in [2, 20] {
            disk.0.cells_mut().write(address, &secret_sector());
        }
        // The unit attention of power on.
        disk.send(&[0; 6], &[]);
        disk
    }

    fn send(&mut self, cdb: &[u8], out: &[u8]) -> ScsiAnswer {
        self.0.command(cdb, out).expect("an answer")
    }

    fn level_0(&mut self) -> Vec<u8> {
        let answer = self.send(&TRUSTED_RECEIVE, &[]);
        assert_eq!(answer.status, 0, "{:02X?}", answer.sense);
        answer.data
    }

    /// SECURITY PROTOCOL OUT, then IN, in blocks of 512 bytes.
    fn exchange(&mut self, payload: &[u8]) -> Vec<u8> {
        let blocks = (BUFFER_BYTES / 512) as u8;
        let cdb = |operation| [operation, 1, 0x10, 0x04, 0x80, 0, 0, 0, 0, blocks, 0, 0];
        let sent = self.send(&cdb(0xB5), payload);
        assert_eq!(sent.status, 0, "{:02X?}", sent.sense);
        let answer = self.send(&cdb(0xA2), &[]);
        assert_eq!(answer.status, 0, "{:02X?}", answer.sense);
        answer.data
    }

    fn read(&mut self, lba: u8, count: u8) -> Result<Vec<u8>, (u8, u8, u8)> {
        ended(self.send(&[0x28, 0, 0, 0, 0, lba, 0, 0, count, 0], &[]))
    }

    fn write(&mut self, lba: u8) -> Result<Vec<u8>, (u8, u8, u8)> {
        ended(self.send(&[0x2A, 0, 0, 0, 0, lba, 0, 0, 1, 0], &[0x77; 512]))
    }
}

fn ended(answer: ScsiAnswer) -> Result<Vec<u8>, (u8, u8, u8)> {
    match answer.status {
        0 => Ok(answer.data),
        _ => Err((answer.sense[2], answer.sense[12], answer.sense[13])),
    }
}

const NO_ACCESS_RIGHTS: (u8, u8, u8) = (7, 0x20, 0x02);

#[test]
fn drive_without_tcg_aborts_trusted_receive_and_names_none() {
    let mut disk = Disk::new(None);
    assert_eq!(disk.send(&TRUSTED_RECEIVE, &[]).status, 2);
    let protocol_in = [0xA2, 1, 0, 1, 0x80, 0, 0, 0, 0, 4, 0, 0];
    assert_eq!(ended(disk.send(&protocol_in, &[])), Err((5, 0x20, 0)));
    let identify = disk.send(
        &[0x85, 8, 0x0E, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xEC, 0],
        &[],
    );
    assert_eq!(identify.data[96..98], [0, 0]);
}

#[test]
fn level_0_says_what_the_owner_has_set_up() {
    let mut fresh = Disk::new(Some(tcg::Options::default()));
    assert_eq!(locking(&fresh.level_0()), 0x09);
    let identify = fresh.send(
        &[0x85, 8, 0x0E, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xEC, 0],
        &[],
    );
    assert_eq!(identify.data[96..98], [0x01, 0x40]);
    let mut disk = Disk::new(Some(owned()));
    assert_eq!(locking(&disk.level_0()), 0x1F);
    let mut open = owned();
    open.owner.as_mut().unwrap().is_open = true;
    let mut disk = Disk::new(Some(open));
    assert_eq!(locking(&disk.level_0()), 0x3B);
    assert!(disk.read(20, 1).unwrap().starts_with(SECRET));
    // It locks when the power goes.
    disk.0.event(Event::PowerOff);
    disk.0.event(Event::PowerOn);
    disk.send(&[0; 6], &[]);
    assert_eq!(locking(&disk.level_0()), 0x1F);
    assert_eq!(disk.read(20, 1), Err(NO_ACCESS_RIGHTS));
}

#[test]
fn locked_range_is_refused_and_the_shadow_mbr_stands_before_the_first_sectors() {
    let mut disk = Disk::new(Some(owned()));
    assert!(disk.read(0, 1).unwrap().starts_with(SHADOW));
    assert_eq!(disk.read(2, 2).unwrap(), vec![0; 1024]);
    for (lba, count) in [(3, 2), (15, 2), (20, 1), (31, 4)] {
        assert_eq!(disk.read(lba, count), Err(NO_ACCESS_RIGHTS), "{lba}");
    }
    assert_eq!(disk.read(4, 12).unwrap().len(), 12 * 512);
    for lba in [0, 3, 16, 31] {
        assert_eq!(disk.write(lba), Err(NO_ACCESS_RIGHTS), "{lba}");
    }
    assert!(disk.write(4).is_ok() && disk.write(32).is_ok());
    // BLOCK ERASE EXT: feature 0012h, key 426B4572h in the LBA.
    let sanitize = [
        0x85, 0x07, 0x20, 0, 0x12, 0, 0, 0x42, 0x72, 0, 0x45, 0, 0x6B, 0x40, 0xB4, 0,
    ];
    let answer = disk.send(&sanitize, &[]);
    assert_eq!((answer.status, answer.sense[2]), (2, 7));
    assert_eq!(disk.0.cells().find(SECRET).len(), 2);
}

#[test]
fn revert_with_the_psid_opens_the_drive_and_its_data_is_gone() {
    let mut disk = Disk::new(Some(owned()));
    let started = disk.exchange(&start_session(PSID));
    assert_eq!(status(&started), 0);
    let answer = disk.exchange(&revert(session(&started)));
    assert_eq!(status(&answer), 0);
    assert_eq!(locking(&disk.level_0()), 0x09);
    assert!(disk.0.cells().find(SECRET).is_empty());
    assert!(!disk.read(20, 1).unwrap().starts_with(SECRET));
    assert!(disk.write(0).is_ok());
    // The session is over.
    let again = disk.exchange(&revert(session(&started)));
    assert_eq!(again[16..20], [0; 4]);
}

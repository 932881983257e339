//! By SECURITY PROTOCOL IN and OUT, of a SAS disk.

use crate::host::{
    BUFFER_BYTES, PSID, SECRET, locking, owned, revert, secret_sector, session, start_session,
    status,
};
use sim::clock::Clock;
use sim::device::{ScsiAnswer, ScsiDevice};
use sim::scsi::{ScsiDisk, ScsiOptions};
use sim::tcg;

fn disk(tcg: Option<tcg::Options>) -> ScsiDisk {
    let mut disk = ScsiDisk::new(ScsiOptions {
        tcg,
        clock: Clock::by_hand(),
        ..ScsiOptions::disk("SED1", 0x5000_C500_0000_0001, 64)
    });
    disk.cells_mut().write(20, &secret_sector());
    disk
}

fn send(disk: &mut ScsiDisk, cdb: &[u8], out: &[u8]) -> ScsiAnswer {
    disk.command(cdb, out).expect("an answer")
}

fn sense(answer: &ScsiAnswer) -> (u8, u8, u8) {
    (answer.sense[2], answer.sense[12], answer.sense[13])
}

const LEVEL_0: [u8; 12] = [0xA2, 1, 0, 1, 0, 0, 0, 0, 8, 0, 0, 0];

fn exchange(disk: &mut ScsiDisk, payload: &[u8]) -> Vec<u8> {
    let [.., high, low] = (BUFFER_BYTES as u32).to_be_bytes();
    let cdb = |operation| [operation, 1, 0x10, 0x04, 0, 0, 0, 0, high, low, 0, 0];
    assert_eq!(send(disk, &cdb(0xB5), payload).status, 0);
    send(disk, &cdb(0xA2), &[]).data
}

#[test]
fn locked_bands_are_refused_until_a_revert_replaced_the_key() {
    assert_eq!(sense(&send(&mut disk(None), &LEVEL_0, &[])), (5, 0x20, 0));
    let mut owner = owned();
    owner.class = tcg::Class::Enterprise;
    owner.owner.as_mut().unwrap().shadow_mbr = None;
    let mut disk = disk(Some(owner));
    assert_eq!(locking(&send(&mut disk, &LEVEL_0, &[]).data), 0x0F);
    let read = [0x28, 0, 0, 0, 0, 20, 0, 0, 1, 0];
    let write = [0x2A, 0, 0, 0, 0, 20, 0, 0, 1, 0];
    assert_eq!(sense(&send(&mut disk, &read, &[])), (7, 0x20, 0x02));
    assert_eq!(sense(&send(&mut disk, &write, &[7; 512])), (7, 0x20, 0x02));
    assert_eq!(
        send(&mut disk, &[0x28, 0, 0, 0, 0, 0, 0, 0, 16, 0], &[]).status,
        0
    );

    let started = exchange(&mut disk, &start_session(PSID));
    let answer = exchange(&mut disk, &revert(session(&started)));
    assert_eq!(status(&answer), 0);
    assert_eq!(locking(&send(&mut disk, &LEVEL_0, &[]).data), 0x09);
    assert!(disk.cells().find(SECRET).is_empty());
    assert_eq!(send(&mut disk, &write, &[7; 512]).status, 0);
}

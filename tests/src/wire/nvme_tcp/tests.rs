//! A host of NVMe/TCP, spelt by hand.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sim::clock::Clock;
use sim::nvme::NvmeDrive;
use sim::nvme::options::Options;

use super::Target;

const NQN: &str = "nqn.2026-01.example.sim:SIM00000001";

struct Host {
    stream: TcpStream,
}

/// A completion: dwords 0 and 1, status.
#[derive(Debug, PartialEq, Eq)]
struct Completion {
    result: u64,
    id: u16,
    status: u16,
}

fn bench() -> (Arc<Mutex<NvmeDrive>>, Clock, Target) {
    let mut options = Options::default();
    options.switches.over_fabrics = true;
    let clock = Clock::by_hand();
    let drive = Arc::new(Mutex::new(NvmeDrive::new(options, clock.clone())));
    let target = Target::listen(NQN, drive.clone()).unwrap();
    (drive, clock, target)
}

impl Host {
    /// A connection on which nothing was said.
    fn silent(target: &Target) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, target.port())).unwrap();
        // So that a broken target fails a test and does not hang it.
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        Self { stream }
    }

    /// A connection that has said how it speaks.
    fn greet(target: &Target) -> Self {
        let mut host = Self::silent(target);
        let mut request = vec![0; 128];
        request[..8].copy_from_slice(&[0x00, 0, 128, 0, 128, 0, 0, 0]);
        // Both digests wanted: the answer says that there are none.
        request[11] = 3;
        host.send(&request);
        let response = host.receive();
        assert_eq!(response[..8], [0x01, 0, 128, 0, 128, 0, 0, 0]);
        assert_eq!(response[8..12], [0; 4], "version, padding, no digests");
        assert!(u32::from_le_bytes(response[12..16].try_into().unwrap()) >= 4096);
        host
    }

    /// A queue that takes commands.
    fn connect(target: &Target, queue: u16) -> Self {
        let mut host = Self::greet(target);
        let done = host.try_connect(queue, NQN);
        assert_eq!((done.status, done.result), (0, 1), "controller 1");
        host
    }

    fn try_connect(&mut self, queue: u16, nqn: &str) -> Completion {
        let mut data = vec![0; 1024];
        data[..16].fill(0x11);
        data[16..18].copy_from_slice(&[0xFF, 0xFF]);
        data[256..256 + nqn.len()].copy_from_slice(nqn.as_bytes());
        data[512..525].copy_from_slice(b"nqn.example:h");
        let mut entry = command(0x7F, 7, 1024);
        entry[4] = 0x01;
        entry[39] = 0x01;
        entry[42..44].copy_from_slice(&queue.to_le_bytes());
        entry[44] = 31;
        self.capsule(&entry, &data);
        self.completion()
    }

    /// Nothing more comes: an end or, where the target left something unread, a reset.
    fn assert_closed(&mut self) {
        match self.stream.read(&mut [0; 8]) {
            Ok(0) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            other => panic!("{other:?}"),
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    fn receive(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 8];
        self.stream.read_exact(&mut bytes).unwrap();
        let length = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
        bytes.resize(length as usize, 0);
        self.stream.read_exact(&mut bytes[8..]).unwrap();
        bytes
    }

    fn capsule(&mut self, entry: &[u8; 64], data: &[u8]) {
        let length = u32::try_from(72 + data.len()).unwrap();
        let offset = if data.is_empty() { 0 } else { 72 };
        let mut pdu = vec![0x04, 0, 72, offset];
        pdu.extend_from_slice(&length.to_le_bytes());
        pdu.extend_from_slice(entry);
        pdu.extend_from_slice(data);
        self.send(&pdu);
    }

    fn completion(&mut self) -> Completion {
        let pdu = self.receive();
        assert_eq!(pdu[..8], [0x05, 0, 24, 0, 24, 0, 0, 0]);
        Completion {
            result: u64::from_le_bytes(pdu[8..16].try_into().unwrap()),
            id: u16::from_le_bytes([pdu[20], pdu[21]]),
            status: u16::from_le_bytes([pdu[22], pdu[23]]) >> 1,
        }
    }

    /// Data of a command, and its completion.
    fn data(&mut self, id: u16) -> (Vec<u8>, u16) {
        let pdu = self.receive();
        assert_eq!(pdu[..4], [0x07, 0x04, 24, 24]);
        assert_eq!(u16::from_le_bytes([pdu[8], pdu[9]]), id);
        assert_eq!(pdu[12..16], [0; 4], "offset");
        let bytes = u32::from_le_bytes(pdu[16..20].try_into().unwrap());
        assert_eq!(pdu.len(), 24 + bytes as usize);
        let done = self.completion();
        assert_eq!(done.id, id);
        (pdu[24..].to_vec(), done.status)
    }

    /// Reads a property of 4 or 8 bytes.
    fn property(&mut self, offset: u8, is_long: bool) -> u64 {
        let mut entry = command(0x7F, 9, 0);
        entry[4] = 0x04;
        entry[40] = u8::from(is_long);
        entry[44] = offset;
        self.capsule(&entry, &[]);
        let done = self.completion();
        assert_eq!(done.status, 0);
        done.result
    }

    fn configure(&mut self, value: u32) {
        let mut entry = command(0x7F, 10, 0);
        entry[44] = 0x14;
        entry[48..52].copy_from_slice(&value.to_le_bytes());
        self.capsule(&entry, &[]);
        assert_eq!(self.completion().status, 0);
    }
}

/// An entry of this opcode and identifier with a descriptor of so many bytes by the transport.
fn command(opcode: u8, id: u16, bytes: u32) -> [u8; 64] {
    let mut entry = [0; 64];
    entry[0] = opcode;
    entry[1] = 0x40;
    entry[2..4].copy_from_slice(&id.to_le_bytes());
    entry[32..36].copy_from_slice(&bytes.to_le_bytes());
    entry[39] = 0x5A;
    entry
}

fn io(opcode: u8, id: u16, first: u8, blocks: u8) -> [u8; 64] {
    let mut entry = command(opcode, id, u32::from(blocks) * 512);
    entry[4] = 1;
    entry[40] = first;
    entry[48] = blocks - 1;
    entry
}

#[test]
fn controller_is_connected_enabled_and_identified() {
    let (_drive, _clock, target) = bench();
    let mut host = Host::connect(&target, 0);
    let capabilities = host.property(0x00, true);
    assert_eq!(capabilities & 0xFFFF, 127, "entries of a queue");
    assert_eq!(capabilities >> 37 & 1, 1, "NVM command set");
    assert_eq!(host.property(0x08, false), 0x0002_0100);
    assert_eq!(host.property(0x1C, false), 0);
    host.configure(0x0046_0001);
    assert_eq!(host.property(0x14, false), 0x0046_0001);
    assert_eq!(host.property(0x1C, false), 1, "ready");
    let mut identify = command(0x06, 3, 4096);
    identify[40] = 1;
    host.capsule(&identify, &[]);
    let (data, status) = host.data(3);
    assert_eq!((data.len(), status), (4096, 0));
    assert_eq!(&data[4..15], b"SIM00000001");
    assert!(data[768..].starts_with(NQN.as_bytes()));
    assert_eq!(data[536] & 1, 1, "SGLs");
    assert_eq!(data[1792], 4, "capsules of commands alone");
    host.configure(0x0046_4001);
    assert_eq!(host.property(0x1C, false) >> 2 & 3, 2, "shut down");
    host.configure(0);
    assert_eq!(host.property(0x1C, false) & 1, 0);
}

#[test]
fn another_subsystem_is_not_connected_to_and_nothing_goes_before_connect() {
    let (_drive, _clock, target) = bench();
    let mut host = Host::greet(&target);
    assert_eq!(host.try_connect(0, "nqn.example:other").status, 0x182);
    let mut host = Host::greet(&target);
    host.capsule(&command(0x06, 1, 4096), &[]);
    host.assert_closed();
}

#[test]
fn data_of_a_write_are_asked_for_while_other_commands_go_on() {
    let (drive, _clock, target) = bench();
    let mut host = Host::connect(&target, 1);
    let data: Vec<u8> = (0..4096_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    host.capsule(&io(0x01, 21, 40, 8), &[]);
    let asked = host.receive();
    assert_eq!(asked[..8], [0x09, 0, 24, 0, 24, 0, 0, 0]);
    assert_eq!(asked[8..10], [21, 0]);
    assert_eq!(asked[12..20], [0, 0, 0, 0, 0, 0x10, 0, 0], "4096 from 0");
    host.capsule(&io(0x02, 22, 40, 1), &[]);
    assert_eq!(host.data(22), (vec![0; 512], 0), "another one, meanwhile");
    for (offset, part) in [(0_u32, &data[..1024]), (1024, &data[1024..])] {
        let length = u32::try_from(part.len()).unwrap();
        let last = if offset == 0 { 0 } else { 0x04 };
        let mut pdu = vec![0x06, last, 24, 24];
        pdu.extend_from_slice(&(24 + length).to_le_bytes());
        pdu.extend_from_slice(&asked[8..12]);
        pdu.extend_from_slice(&offset.to_le_bytes());
        pdu.extend_from_slice(&length.to_le_bytes());
        pdu.extend_from_slice(&[0; 4]);
        pdu.extend_from_slice(part);
        host.send(&pdu);
    }
    let done = host.completion();
    assert_eq!((done.id, done.status), (21, 0));
    host.capsule(&io(0x00, 23, 0, 1), &[]);
    assert_eq!(host.completion().status, 0, "flushed");
    host.capsule(&io(0x02, 24, 40, 8), &[]);
    assert_eq!(host.data(24), (data.clone(), 0));
    assert_eq!(drive.lock().unwrap().find(&data[..512]), 8, "on the medium");
}

#[test]
fn sanitize_passes_as_it_is_and_io_is_aborted_meanwhile() {
    let (_drive, clock, target) = bench();
    let mut admin = Host::connect(&target, 0);
    let mut queue = Host::connect(&target, 1);
    let mut sanitize = command(0x84, 5, 0);
    sanitize[40..42].copy_from_slice(&[0x02, 0x04]);
    admin.capsule(&sanitize, &[]);
    assert_eq!(admin.completion().status, 0);
    queue.capsule(&io(0x02, 6, 0, 1), &[]);
    assert_eq!(queue.completion().status, 0x01D);
    clock.advance(Duration::from_secs(60));
    queue.capsule(&io(0x02, 7, 0, 1), &[]);
    assert_eq!(
        queue.data(7),
        (vec![0xFF; 512], 0x19C),
        "data beside a status that is not 0"
    );
}

#[test]
fn request_that_waits_for_an_event_is_held_and_the_next_is_answered() {
    let (_drive, _clock, target) = bench();
    let mut host = Host::connect(&target, 0);
    host.capsule(&command(0x0C, 31, 0), &[]);
    host.capsule(&command(0x18, 32, 0), &[]);
    assert_eq!(host.completion().id, 32);
}

#[test]
fn messages_that_make_no_sense_close_the_connection_and_the_target_goes_on() {
    let (_drive, _clock, target) = bench();
    let nonsense = [
        vec![0xEE, 0, 8, 0, 8, 0, 0, 0],
        vec![0x04, 0, 72, 0, 8, 0, 0, 0],
        vec![0x04, 0, 24, 0, 72, 0, 0, 0],
        vec![0x06, 0, 24, 0, 0xFF, 0xFF, 0xFF, 0xFF],
    ];
    for bytes in nonsense {
        let mut host = Host::connect(&target, 0);
        host.send(&bytes);
        host.assert_closed();
    }
    Host::connect(&target, 0);
}

#[test]
fn target_that_is_dropped_lets_go_of_the_drive() {
    let (drive, _clock, target) = bench();
    let host = Host::connect(&target, 0);
    drop(target);
    assert_eq!(Arc::strong_count(&drive), 1);
    drop(host);
}

#[test]
fn cut_ends_connections_and_takes_none_until_it_is_mended() {
    let (_drive, _clock, target) = bench();
    let mut host = Host::connect(&target, 0);
    target.cut();
    host.assert_closed();
    Host::silent(&target).assert_closed();
    target.mend();
    Host::connect(&target, 0);
}

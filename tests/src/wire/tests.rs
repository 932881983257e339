//! The wire without QEMU: sockets that nobody uses rightly, and rings that this side writes.

use super::*;
use sim::device::{Event, ScsiAnswer};
use sim::scsi::{ScsiDisk, ScsiOptions};
use vm_memory::{Bytes, GuestAddress};

#[test]
fn wire_that_nobody_or_a_stranger_connects_to_ends_and_lets_go_of_the_drive() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Mutex::new(ScsiDisk::new(ScsiOptions::disk("S", 1, 8))));
    let unit = Unit::new(disk.clone());
    let wire = Wire::listen(folder.path(), "nobody", std::slice::from_ref(&unit)).unwrap();
    drop(wire);
    let wire = Wire::listen(folder.path(), "stranger", &[unit]).unwrap();
    let mut stranger = UnixStream::connect(folder.path().join("stranger")).unwrap();
    stranger.write_all(b"no vhost-user message").unwrap();
    drop(stranger);
    drop(wire);
    assert_eq!(Arc::strong_count(&disk), 1, "a thread holds the drive");
}

const RING_BYTES: u64 = 0x20_000;
const AVAILABLE: u64 = 0x1000;
const USED: u64 = 0x2000;
const BUFFERS: u64 = 0x3000;

/// A driver's side of the three rings: a request of two descriptors for each number.
struct Guest {
    memory: Memory,
    rings: Vec<VringMutex>,
    backend: Backend,
}

impl Guest {
    fn new(device: Arc<Mutex<dyn ScsiDevice>>) -> Self {
        let ranges = [(GuestAddress(0), 3 * RING_BYTES as usize)];
        let memory = Memory::new(GuestMemoryMmap::from_ranges(&ranges).unwrap());
        let ring = |number: u64| {
            let ring = VringMutex::new(memory.clone(), 16).unwrap();
            let start = number * RING_BYTES;
            ring.set_queue_size(16);
            ring.set_queue_info(start, start + AVAILABLE, start + USED)
                .unwrap();
            ring.set_queue_ready(true);
            ring
        };
        Self {
            rings: (0..3).map(ring).collect(),
            backend: Backend {
                controller: Controller::new(vec![device]),
                memory: Some(memory.clone()),
                open: Vec::new(),
            },
            memory,
        }
    }

    fn write(&self, address: u64, bytes: &[u8]) {
        let memory = self.memory.memory();
        memory.write_slice(bytes, GuestAddress(address)).unwrap();
    }

    fn read(&self, address: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let memory = self.memory.memory();
        memory
            .read_slice(&mut bytes, GuestAddress(address))
            .unwrap();
        bytes
    }

    /// Puts request `number` into a ring, and kicks.
    fn sends(&mut self, queue: u16, number: u16, readable: &[u8], room: u32) {
        let start = u64::from(queue) * RING_BYTES;
        let buffer = start + BUFFERS + u64::from(number) * 0x1000;
        self.write(buffer, readable);
        let head = 2 * number;
        // Address, length, flags (1: another one follows, 2: for the device to write), the next.
        let mut descriptors = buffer.to_le_bytes().to_vec();
        descriptors.extend(u32::try_from(readable.len()).unwrap().to_le_bytes());
        descriptors.extend([1, 0]);
        descriptors.extend((head + 1).to_le_bytes());
        descriptors.extend((buffer + 0x800).to_le_bytes());
        descriptors.extend(room.to_le_bytes());
        descriptors.extend([2, 0, 0, 0]);
        self.write(start + u64::from(head) * 16, &descriptors);
        let slot = start + AVAILABLE + 4 + u64::from(number) * 2;
        self.write(slot, &head.to_le_bytes());
        self.write(start + AVAILABLE + 2, &(number + 1).to_le_bytes());
        let rings = self.rings.clone();
        self.backend
            .handle_event(queue, EventSet::IN, &rings, 0)
            .unwrap();
    }

    /// Numbers of the requests that came back, with the bytes that were written of each.
    fn came_back(&self, queue: u16) -> Vec<(u32, u32)> {
        let used = u64::from(queue) * RING_BYTES + USED;
        let count = self.read(used + 2, 2);
        let entries = self.read(used + 4, 8 * usize::from(count[0]));
        let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
        entries
            .chunks(8)
            .map(|entry| (word(&entry[..4]) / 2, word(&entry[4..])))
            .collect()
    }

    fn answer(&self, queue: u16, number: u16, length: usize) -> Vec<u8> {
        let start = u64::from(queue) * RING_BYTES + BUFFERS;
        self.read(start + u64::from(number) * 0x1000 + 0x800, length)
    }
}

/// Says its name, and nothing to any other command.
#[derive(Default)]
struct Silent {
    events: Vec<Event>,
}

impl ScsiDevice for Silent {
    fn command(&mut self, cdb: &[u8], _out: &[u8]) -> Option<ScsiAnswer> {
        (cdb[0] == 0x12).then(|| ScsiAnswer {
            data: b"SILENT".to_vec(),
            ..ScsiAnswer::default()
        })
    }

    fn event(&mut self, event: Event) {
        self.events.push(event);
    }
}

fn command(tag: u8, cdb: [u8; 6]) -> Vec<u8> {
    let mut request = vec![1, 0, 0x40, 0, 0, 0, 0, 0, tag, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    request.extend(cdb);
    request.resize(51, 0);
    request
}

/// ABORT TASK of a tag, or LOGICAL UNIT RESET.
fn management(function: u8, tag: u8) -> [u8; 24] {
    let mut request = [0; 24];
    request[4] = function;
    request[8..11].copy_from_slice(&[1, 0, 0x40]);
    request[16] = tag;
    request
}

#[test]
fn command_without_an_answer_never_comes_back_until_it_is_aborted_or_the_unit_reset() {
    let device = Arc::new(Mutex::new(Silent::default()));
    let mut guest = Guest::new(device.clone());
    guest.sends(2, 0, &command(10, [0; 6]), 108);
    guest.sends(2, 1, &command(11, [0; 6]), 108);
    guest.sends(2, 2, &command(12, [0x12, 0, 0, 0, 6, 0]), 108 + 6);
    guest.sends(2, 3, &command(13, [0; 6]), 108);
    // Those behind it are not held up.
    assert_eq!(guest.came_back(2), [(2, 114)]);
    assert_eq!(guest.answer(2, 2, 114)[108..], *b"SILENT");

    guest.sends(0, 0, &management(0, 11), 1);
    assert_eq!(guest.came_back(2), [(2, 114), (1, 108)]);
    assert_eq!(guest.answer(2, 1, 12)[11], 2, "aborted");
    assert_eq!(guest.came_back(0), [(0, 1)]);

    guest.sends(0, 1, &management(5, 0), 1);
    let all = [(2, 114), (1, 108), (0, 108), (3, 108)];
    assert_eq!(guest.came_back(2), all);
    assert_eq!(guest.answer(2, 3, 12)[11], 4, "reset");
    // Nothing is left that a second one could end.
    guest.sends(0, 2, &management(5, 0), 1);
    assert_eq!(guest.came_back(2), all);
    assert_eq!(device.lock().unwrap().events, [Event::Reset; 3]);
}

#[test]
fn events_stay_in_their_ring() {
    let mut guest = Guest::new(Arc::new(Mutex::new(Silent::default())));
    guest.sends(1, 0, &[0], 16);
    assert_eq!(guest.came_back(1), []);
}

//! Requests of virtio-scsi (VIRTIO 1.2, 5.6.6): whom each is for, and the form of its answer.
//!
//! Bytes in, bytes out; the rings are the parent's. The controller answers for itself where no
//! drive is asked: an address without a unit, and REPORT LUNS.

use std::sync::{Arc, Mutex, PoisonError};

use sim::device::{Event, ScsiAnswer, ScsiDevice};

/// Address, tag, task attribute, priority, CRN.
const HEADER_BYTES: usize = 19;
/// `cdb_size` and `sense_size`, at their defaults.
const CDB_BYTES: usize = 32;
const SENSE_BYTES: usize = 96;
const RESPONSE_BYTES: usize = 12 + SENSE_BYTES;

const REPORT_LUNS: u8 = 0xA0;

/// How the transport did, beside the drive's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Response {
    /// Also "function complete".
    Ok = 0,
    /// The drive has more to say than there is room.
    Overrun = 1,
    Aborted = 2,
    BadTarget = 3,
    Reset = 4,
    Failure = 9,
    FunctionRejected = 11,
    IncorrectLun = 12,
}

/// The drives of one machine, as targets 0, 1, ..., each with unit 0.
pub(super) struct Controller {
    units: Vec<Arc<Mutex<dyn ScsiDevice>>>,
}

/// What becomes of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// These bytes, for the writable part of the request.
    Now(Vec<u8>),
    /// The drive is silent.
    Never(Open),
}

/// A command that is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Open {
    target: usize,
    tag: u64,
}

/// Commands that a task management function has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    target: usize,
    /// The only one, else all of the target.
    tag: Option<u64>,
    response: Response,
}

impl Ended {
    pub(super) fn holds(&self, open: &Open) -> bool {
        open.target == self.target && self.tag.is_none_or(|tag| tag == open.tag)
    }

    /// What each of them ends with.
    pub(super) fn answer(&self) -> Vec<u8> {
        response(self.response, 0, &ScsiAnswer::default())
    }
}

/// What becomes of a request on the control queue.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Managed {
    pub(super) answer: Vec<u8>,
    pub(super) ended: Option<Ended>,
}

impl Controller {
    pub(super) fn new(units: Vec<Arc<Mutex<dyn ScsiDevice>>>) -> Self {
        Self { units }
    }

    /// A command: its readable bytes, and how many the answer may have.
    pub(super) fn command(&self, request: &[u8], room_bytes: usize) -> Answer {
        let data_room = room_bytes.checked_sub(RESPONSE_BYTES);
        let (Some((head, out)), Some(data_room)) = (
            request.split_at_checked(HEADER_BYTES + CDB_BYTES),
            data_room,
        ) else {
            return Answer::Now(response(Response::Failure, 0, &ScsiAnswer::default()));
        };
        let cdb = &head[HEADER_BYTES..];
        let cdb = &cdb[..cdb_bytes(cdb)];
        let is_well_known = head[..4] == [0xC1, 0x01, 0, 0];
        if cdb[0] == REPORT_LUNS && (is_well_known || self.target(head).is_some()) {
            let answer = ScsiAnswer {
                data: report_luns(cdb),
                ..ScsiAnswer::default()
            };
            return Answer::Now(response(Response::Ok, data_room, &answer));
        }
        let Some(target) = self.target(head) else {
            let nobody = response(Response::BadTarget, data_room, &ScsiAnswer::default());
            return Answer::Now(nobody);
        };
        let unit = &self.units[target];
        let answer = unit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .command(cdb, out);
        match answer {
            Some(answer) if answer.data.len() > data_room => {
                Answer::Now(response(Response::Overrun, data_room, &answer))
            }
            Some(answer) => Answer::Now(response(Response::Ok, data_room, &answer)),
            None => Answer::Never(Open {
                target,
                tag: tag(&head[8..]),
            }),
        }
    }

    /// A request of the control queue. Aborting one command, or all, and the resets are one event
    /// for the drive; asking for notifications is granted, and none ever comes.
    pub(super) fn manage(&self, request: &[u8]) -> Managed {
        let word = |at: usize| request.get(at..at + 4);
        let (Some(kind), Some(more)) = (word(0), word(4)) else {
            return answered(vec![Response::Failure as u8]);
        };
        match kind {
            // Type TMF: subtype, address, tag.
            [0, 0, 0, 0] if request.len() >= 24 => self.task_management(more[0], request),
            // Asynchronous notifications, query and subscribe: none are active.
            [1 | 2, 0, 0, 0] => answered(vec![0, 0, 0, 0, Response::Ok as u8]),
            _ => answered(vec![Response::Failure as u8]),
        }
    }

    fn task_management(&self, function: u8, request: &[u8]) -> Managed {
        let Some(target) = self.target(&request[8..]) else {
            return answered(vec![Response::IncorrectLun as u8]);
        };
        let (tag, response) = match function {
            // ABORT TASK.
            0 => (Some(tag(&request[16..])), Response::Aborted),
            // ABORT TASK SET, CLEAR TASK SET.
            1 | 3 => (None, Response::Aborted),
            // I_T NEXUS RESET, LOGICAL UNIT RESET.
            4 | 5 => (None, Response::Reset),
            // CLEAR ACA, QUERY TASK, QUERY TASK SET.
            _ => return answered(vec![Response::FunctionRejected as u8]),
        };
        self.units[target]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .event(Event::Reset);
        Managed {
            answer: vec![Response::Ok as u8],
            ended: Some(Ended {
                target,
                tag,
                response,
            }),
        }
    }

    /// The unit that an address (`01`, target, unit in two bytes, zeros) names.
    fn target(&self, address: &[u8]) -> Option<usize> {
        let &[1, target, high, low, ..] = address else {
            return None;
        };
        let target = usize::from(target);
        // Flat space addressing sets bit 6.
        (high & 0x3F == 0 && low == 0 && target < self.units.len()).then_some(target)
    }
}

fn answered(answer: Vec<u8>) -> Managed {
    Managed {
        answer,
        ended: None,
    }
}

fn tag(bytes: &[u8]) -> u64 {
    let mut tag = [0; 8];
    tag.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(tag)
}

/// Length of a command block by the group of its operation code (SPC-5); all that was sent
/// where the group has no length of its own.
fn cdb_bytes(cdb: &[u8]) -> usize {
    match cdb[0] >> 5 {
        0 => 6,
        1 | 2 => 10,
        4 => 16,
        5 => 12,
        _ => cdb.len(),
    }
}

/// Sense length, residual, status qualifier, status, response, sense; then the data.
fn response(response: Response, data_room: usize, answer: &ScsiAnswer) -> Vec<u8> {
    let sense = &answer.sense[..answer.sense.len().min(SENSE_BYTES)];
    let data = &answer.data[..answer.data.len().min(data_room)];
    let count = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = Vec::with_capacity(RESPONSE_BYTES + data.len());
    bytes.extend(count(sense.len()));
    bytes.extend(count(data_room - data.len()));
    bytes.extend([0, 0, answer.status, response as u8]);
    bytes.extend(sense);
    bytes.resize(RESPONSE_BYTES, 0);
    bytes.extend(data);
    bytes
}

/// The list of a target: unit 0.
fn report_luns(cdb: &[u8]) -> Vec<u8> {
    let mut list = vec![0, 0, 0, 8, 0, 0, 0, 0];
    list.extend([0; 8]);
    let allocation = u32::from_be_bytes([cdb[6], cdb[7], cdb[8], cdb[9]]);
    list.truncate(usize::try_from(allocation).unwrap_or(usize::MAX));
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remembers what reached it; answers by the operation code.
    #[derive(Default)]
    struct Witness {
        commands: Vec<(Vec<u8>, Vec<u8>)>,
        events: Vec<Event>,
    }

    impl ScsiDevice for Witness {
        fn command(&mut self, cdb: &[u8], out: &[u8]) -> Option<ScsiAnswer> {
            self.commands.push((cdb.to_vec(), out.to_vec()));
            match cdb[0] {
                0x12 => Some(ScsiAnswer {
                    data: vec![0xAB; 5],
                    ..ScsiAnswer::default()
                }),
                0x85 => Some(ScsiAnswer {
                    status: 2,
                    sense: vec![0x72, 1, 0, 0x1D],
                    data: vec![],
                }),
                _ => None,
            }
        }

        fn event(&mut self, event: Event) {
            self.events.push(event);
        }
    }

    fn pair() -> (Controller, [Arc<Mutex<Witness>>; 2]) {
        let witnesses: [Arc<Mutex<Witness>>; 2] = Default::default();
        let units = witnesses.iter().map(|witness| witness.clone() as _);
        (Controller::new(units.collect()), witnesses)
    }

    /// For target 1, tag 0x0102.
    fn request(cdb: &[u8], out: &[u8]) -> Vec<u8> {
        let mut bytes = vec![1, 1, 0x40, 0, 0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(cdb);
        bytes.resize(51, 0);
        bytes.extend(out);
        bytes
    }

    fn now(answer: Answer) -> Vec<u8> {
        match answer {
            Answer::Now(bytes) => bytes,
            Answer::Never(open) => panic!("{open:?}"),
        }
    }

    #[test]
    fn data_comes_behind_the_response_with_the_residual_of_what_is_missing() {
        let (controller, [other, witness]) = pair();
        let answer = now(controller.command(&request(&[0x12, 0, 0, 0, 36, 0], &[]), 108 + 36));
        assert_eq!(answer[..12], [0, 0, 0, 0, 31, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(answer[108..], [0xAB; 5]);
        let commands = &witness.lock().unwrap().commands;
        assert_eq!(*commands, [(vec![0x12, 0, 0, 0, 36, 0], vec![])]);
        assert!(other.lock().unwrap().commands.is_empty());
    }

    #[test]
    fn sense_and_data_out_pass_as_they_are() {
        let (controller, [_, witness]) = pair();
        let mut cdb = vec![0x85, 0x0B, 0x06];
        cdb.resize(16, 0x11);
        let answer = now(controller.command(&request(&cdb, &[7; 512]), 108));
        assert_eq!(answer[..12], [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]);
        assert_eq!(answer[12..17], [0x72, 1, 0, 0x1D, 0]);
        assert_eq!(answer.len(), 108);
        let commands = &witness.lock().unwrap().commands;
        assert_eq!(*commands, [(cdb, vec![7; 512])]);
    }

    #[test]
    fn more_data_than_room_is_an_overrun_and_not_cut_in_silence() {
        let (controller, _) = pair();
        let answer = now(controller.command(&request(&[0x12, 0, 0, 0, 5, 0], &[]), 108 + 4));
        assert_eq!(answer[4..12], [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(answer[108..], [0xAB; 4]);
    }

    #[test]
    fn address_without_a_unit_is_a_bad_target_and_reaches_nobody() {
        let (controller, witnesses) = pair();
        for address in [[1, 2, 0x40, 0], [1, 1, 0x40, 1], [1, 1, 0x41, 0], [0; 4]] {
            let mut request = request(&[0x12, 0, 0, 0, 5, 0], &[]);
            request[..4].copy_from_slice(&address);
            let answer = now(controller.command(&request, 108 + 5));
            assert_eq!(answer[8..12], [0, 0, 0, 3], "{address:?}");
        }
        let reached = witnesses
            .iter()
            .any(|witness| !witness.lock().unwrap().commands.is_empty());
        assert!(!reached);
    }

    #[test]
    fn units_are_reported_by_the_controller() {
        let (controller, [_, witness]) = pair();
        let cdb = [0xA0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0];
        let answer = now(controller.command(&request(&cdb, &[]), 108 + 4096));
        assert_eq!(
            answer[108..],
            [0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        );
        assert!(witness.lock().unwrap().commands.is_empty());
    }

    #[test]
    fn silent_command_stays_open_until_it_is_aborted_or_the_unit_reset() {
        let (controller, [other, witness]) = pair();
        let open = match controller.command(&request(&[0; 6], &[]), 108) {
            Answer::Never(open) => open,
            Answer::Now(bytes) => panic!("{bytes:02x?}"),
        };
        let tmf = |function: u8, tag: u8| {
            controller.manage(&[
                0, 0, 0, 0, function, 0, 0, 0, 1, 1, 0x40, 0, 0, 0, 0, 0, tag, 1, 0, 0, 0, 0, 0, 0,
            ])
        };
        let another = tmf(0, 3);
        assert_eq!(another.answer, [0]);
        assert!(!another.ended.unwrap().holds(&open));
        let this = tmf(0, 2).ended.unwrap();
        assert!(this.holds(&open));
        assert_eq!(this.answer()[8..12], [0, 0, 0, 2]);
        let reset = tmf(5, 0).ended.unwrap();
        assert!(reset.holds(&open));
        assert_eq!(reset.answer()[8..12], [0, 0, 0, 4]);
        assert_eq!(witness.lock().unwrap().events, [Event::Reset; 3]);
        assert!(other.lock().unwrap().events.is_empty());
        // QUERY TASK is not there, nor is a target 1 that is no target.
        assert_eq!(tmf(6, 2).answer, [11]);
        assert_eq!(controller.manage(&[0; 24]).answer, [12]);
    }

    #[test]
    fn request_that_is_too_short_fails_and_reaches_nobody() {
        let (controller, _) = pair();
        assert_eq!(now(controller.command(&[1; 50], 108))[11], 9);
        assert_eq!(controller.manage(&[0; 7]).answer, [9]);
    }
}

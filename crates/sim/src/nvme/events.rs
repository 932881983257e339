//! The persistent event log, 0Dh (base specification 2.1, section 5.1.12.1.14): header, and the
//! events of formats and sanitize operations.

use super::identify::text;
use super::status;
use super::{CONTROLLER_ID, NvmeDrive, put};

const HEADER_BYTES: usize = 512;
const EVENT_HEADER_BYTES: usize = 24;

/// Types of events.
pub const FORMAT_STARTED: u8 = 0x07;
pub const FORMAT_ENDED: u8 = 0x08;
pub const SANITIZE_STARTED: u8 = 0x09;
pub const SANITIZE_ENDED: u8 = 0x0A;
pub const MEDIA_VERIFICATION: u8 = 0x0E;

/// What was recorded, the oldest first.
#[derive(Default)]
pub struct Events {
    recorded: Vec<Vec<u8>>,
    /// The log as it was when a host established its context.
    context: Option<Vec<u8>>,
}

impl NvmeDrive {
    pub(super) fn record(&mut self, kind: u8, body: &[u8]) {
        let milliseconds = self.powered_for.as_millis().to_le_bytes();
        let mut event = vec![0; EVENT_HEADER_BYTES];
        event[0] = kind;
        event[1] = 1;
        event[2] = 21;
        put(&mut event, 4, &CONTROLLER_ID.to_le_bytes());
        put(&mut event, 6, &milliseconds[..6]);
        put(&mut event, 22, &body.len().to_le_bytes()[..2]);
        event.extend_from_slice(body);
        self.events.recorded.push(event);
    }

    /// `action`: 0 read from the context, 1 establish a context and read, 2 release it.
    pub(super) fn persistent_event_log(&mut self, action: u8) -> Result<Option<Vec<u8>>, u16> {
        match action {
            0 => match &self.events.context {
                Some(context) => Ok(Some(context.clone())),
                None => Err(status::COMMAND_SEQUENCE_ERROR),
            },
            1 if self.events.context.is_some() => Err(status::COMMAND_SEQUENCE_ERROR),
            1 => {
                let log = self.whole_event_log();
                self.events.context = Some(log.clone());
                Ok(Some(log))
            }
            2 => {
                self.events.context = None;
                Ok(None)
            }
            _ => Err(status::INVALID_FIELD),
        }
    }

    pub(super) fn release_events(&mut self) {
        self.events.context = None;
    }

    fn whole_event_log(&self) -> Vec<u8> {
        let mut log = vec![0; HEADER_BYTES];
        // The newest first.
        let events: Vec<u8> = self
            .events
            .recorded
            .iter()
            .rev()
            .flatten()
            .copied()
            .collect();
        log[0] = 0x0D;
        put(&mut log, 4, &self.events.recorded.len().to_le_bytes()[..4]);
        let total = HEADER_BYTES + events.len();
        put(&mut log, 8, &total.to_le_bytes());
        log[16] = 3;
        put(&mut log, 18, &492_u16.to_le_bytes());
        let milliseconds = self.powered_for.as_millis().to_le_bytes();
        put(&mut log, 20, &milliseconds[..6]);
        put(
            &mut log,
            28,
            &u128::from(self.power_on_hours()).to_le_bytes(),
        );
        put(&mut log, 44, &self.power_cycles.to_le_bytes());
        put(&mut log, 52, &0x1B36_u16.to_le_bytes());
        put(&mut log, 54, &0x1AF4_u16.to_le_bytes());
        put(&mut log, 56, &text(&self.serial(), 20));
        put(&mut log, 76, &text(&self.options.model, 40));
        // Supported events, a bit for each type.
        put(&mut log, 480, &0x4780_u16.to_le_bytes());
        log.extend_from_slice(&events);
        log
    }
}

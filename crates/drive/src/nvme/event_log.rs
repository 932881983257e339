//! Persistent Event log (0Dh): when a sanitize began and how it ended.
//!
//! It corroborates a sanitize and proves none: the clock is the controller's, and a log that is full
//! loses its oldest events. Other events are skipped. Base specification 2.0, 5.16.1.14.

use super::log::SanitizeState;
use crate::bytes::{array, byte, le16, le32, le64};

/// The log's header and its sanitize events, oldest first as a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SanitizeEvents {
    /// TLL: bytes of the whole log, header among them.
    pub log_bytes: u64,
    /// TNEV: events of every kind in the log.
    pub events_total: u32,
    /// Events of every kind that were read whole; fewer than `events_total` when the log was cut.
    pub events_read: u32,
    /// The sanitize events among them.
    pub sanitize: Vec<SanitizeEvent>,
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SanitizeEvent {
    /// Event timestamp, milliseconds: since 1970 if the host set the clock, else since a reset.
    pub timestamp_ms: u64,
    /// What happened.
    pub kind: SanitizeEventKind,
}

/// The three events of a sanitize.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SanitizeEventKind {
    /// 09h: it began.
    Started {
        /// SANICAP at that time.
        capabilities_raw: u32,
        /// Command dword 10, to compare with what was sent.
        command_dword_10: u32,
        /// Command dword 11.
        command_dword_11: u32,
    },
    /// 0Ah: it ended.
    Completed {
        /// SPROG.
        progress_raw: u16,
        /// SSTAT b2:0.
        state: SanitizeState,
        /// SSTAT as it came.
        status_raw: u16,
    },
    /// 0Eh: the media verification state was entered (later revisions).
    MediaVerification,
}

/// Bytes of the header before events can begin.
const HEADER_BYTES: usize = 512;

impl SanitizeEvents {
    /// Parses the log from its beginning, as much of it as was read. `None` when the header is short
    /// or not that of this log.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        // LHL counts what follows its own end at byte 20.
        let header_bytes = 20 + usize::from(le16(data, 18)?);
        if byte(data, 0)? != 0x0D || header_bytes < HEADER_BYTES || data.len() < header_bytes {
            return None;
        }
        let events_total = le32(data, 4)?;
        let log_bytes = le64(data, 8)?;
        // What lies behind the log's end in a longer buffer is none of it.
        let end = usize::try_from(log_bytes).map_or(data.len(), |end| end.min(data.len()));
        let mut rest = data.get(header_bytes..end).unwrap_or_default();
        let mut events = Self {
            log_bytes,
            events_total,
            events_read: 0,
            sanitize: Vec::new(),
        };
        while events.events_read < events_total {
            let Some((event, after)) = split_event(rest) else {
                break;
            };
            rest = after;
            events.events_read += 1;
            events.sanitize.extend(SanitizeEvent::decode(event));
        }
        Some(events)
    }
}

/// One whole event: header and what follows it.
struct Event<'a> {
    kind: u8,
    timestamp_ms: u64,
    /// The event's data, without what the vendor put before them.
    data: &'a [u8],
}

/// EHL counts the event header behind its own end at byte 3; EL what follows the header: vendor
/// specific information (VSIL), then the event's data.
fn split_event(rest: &[u8]) -> Option<(Event<'_>, &[u8])> {
    let header_bytes = 3 + usize::from(byte(rest, 2)?);
    let vendor_bytes = usize::from(le16(rest, 20)?);
    let length = usize::from(le16(rest, 22)?);
    let [a, b, c, d, e, f, _, _] = array(rest, 6)?;
    // Shorter than its own fields: nothing behind it can be trusted to begin where it says.
    if header_bytes < 24 {
        return None;
    }
    let (event, after) = rest.split_at_checked(header_bytes + length)?;
    let event = Event {
        kind: byte(event, 0)?,
        timestamp_ms: u64::from_le_bytes([a, b, c, d, e, f, 0, 0]),
        data: event.get(header_bytes + vendor_bytes..)?,
    };
    Some((event, after))
}

impl SanitizeEvent {
    fn decode(event: Event<'_>) -> Option<Self> {
        let data = event.data;
        let kind = match event.kind {
            0x09 => SanitizeEventKind::Started {
                capabilities_raw: le32(data, 0)?,
                command_dword_10: le32(data, 4)?,
                command_dword_11: le32(data, 8)?,
            },
            0x0A => {
                let status = le16(data, 2)?;
                SanitizeEventKind::Completed {
                    progress_raw: le16(data, 0)?,
                    state: SanitizeState::decode(status),
                    status_raw: status,
                }
            }
            0x0E => SanitizeEventKind::MediaVerification,
            _ => return None,
        };
        Some(Self {
            timestamp_ms: event.timestamp_ms,
            kind,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u8, second: u8, vendor: &[u8], data: &[u8]) -> Vec<u8> {
        let mut e = vec![0u8; 24];
        (e[0], e[1], e[2]) = (kind, 1, 21);
        // Timestamp: 1000 ms in a second, and bits of the clock's origin above 48.
        let ms = u16::from(second) * 1000;
        e[6..8].copy_from_slice(&ms.to_le_bytes());
        e[12] = 0x03;
        e[20] = vendor.len() as u8;
        e[22] = (vendor.len() + data.len()) as u8;
        e.extend(vendor);
        e.extend(data);
        e
    }

    fn log(events: &[Vec<u8>]) -> Vec<u8> {
        let mut d = vec![0u8; 512];
        d[0] = 0x0D;
        d[4] = events.len() as u8;
        d[18..20].copy_from_slice(&[0xEC, 0x01]);
        d.extend(events.concat());
        let length = d.len() as u64;
        d[8..16].copy_from_slice(&length.to_le_bytes());
        d
    }

    fn sample() -> Vec<u8> {
        log(&[
            event(0x01, 1, &[], &[0xEE; 40]),
            event(
                0x09,
                2,
                &[0x55; 3],
                &[7, 0, 0, 0xA0, 0x02, 0x02, 0, 0, 9, 0, 0, 0],
            ),
            event(0x0E, 3, &[], &[]),
            event(0x0A, 4, &[], &[0xFF, 0xFF, 0x01, 0x01, 0, 0, 0, 0]),
        ])
    }

    #[test]
    fn start_and_completion_are_found_among_other_events() {
        let events = SanitizeEvents::parse(&sample()).expect("log");
        assert_eq!((events.events_total, events.events_read), (4, 4));
        let at = |timestamp_ms, kind| SanitizeEvent { timestamp_ms, kind };
        assert_eq!(
            events.sanitize,
            [
                at(
                    2000,
                    SanitizeEventKind::Started {
                        capabilities_raw: 0xA000_0007,
                        command_dword_10: 0x202,
                        command_dword_11: 9,
                    }
                ),
                at(3000, SanitizeEventKind::MediaVerification),
                at(
                    4000,
                    SanitizeEventKind::Completed {
                        progress_raw: 0xFFFF,
                        state: SanitizeState::Succeeded,
                        status_raw: 0x0101,
                    }
                ),
            ]
        );
    }

    #[test]
    fn failed_completion_is_no_success() {
        let failed = log(&[event(0x0A, 1, &[], &[0xFF, 0xFF, 0x03, 0, 0, 0, 0, 0])]);
        let events = SanitizeEvents::parse(&failed).expect("log");
        assert!(matches!(
            events.sanitize.as_slice(),
            [SanitizeEvent {
                kind: SanitizeEventKind::Completed {
                    state: SanitizeState::Failed,
                    ..
                },
                ..
            }]
        ));
    }

    #[test]
    fn log_that_is_cut_gives_whole_events_and_says_so() {
        let whole = sample();
        let cut = SanitizeEvents::parse(&whole[..whole.len() - 1]).expect("log");
        assert_eq!((cut.events_total, cut.events_read), (4, 3));
        assert_eq!(cut.sanitize.len(), 2);
    }

    #[test]
    fn what_lies_behind_the_logs_end_is_no_event() {
        let mut d = sample();
        let stale = event(0x0A, 9, &[], &[0xFF, 0xFF, 0x01, 0x01, 0, 0, 0, 0]);
        d.extend(&stale);
        assert_eq!(SanitizeEvents::parse(&d).expect("log").sanitize.len(), 3);
        // Not even when the count of events says so.
        d[4] = 5;
        assert_eq!(SanitizeEvents::parse(&d).expect("log").sanitize.len(), 3);
    }

    #[test]
    fn event_shorter_than_its_fields_ends_the_log() {
        let mut d = sample();
        d[512 + 2] = 0;
        let events = SanitizeEvents::parse(&d).expect("log");
        assert_eq!((events.events_read, events.sanitize.len()), (0, 0));
    }

    #[test]
    fn another_log_or_a_short_header_is_no_answer() {
        let mut d = sample();
        d[0] = 0x0E;
        assert_eq!(SanitizeEvents::parse(&d), None);
        assert_eq!(SanitizeEvents::parse(&sample()[..511]), None);
        assert_eq!(SanitizeEvents::parse(&[0; 512]), None);
        assert_eq!(SanitizeEvents::parse(&[]), None);
    }
}

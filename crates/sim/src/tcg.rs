//! A trusted peripheral (TPer) of TCG: what it tells in Level 0 discovery, what its locking keeps from
//! the host, and as much of its sessions as a revert with the PSID needs.
//!
//! Written from TCG Storage Architecture Core 2.01, Opal SSC 2.01, the feature sets PSID 1.00 and Block
//! SID Authentication 1.00, and Storage Interface Interactions 1.10; nothing is shared with the crate
//! `drive`. Each transport carries IF-SEND and IF-RECV to [`Tper::send`] and [`Tper::receive`] and asks
//! [`Tper::read`] and [`Tper::may_write`] before it touches the medium. Not modelled: the owner's own
//! sessions (taking it, unlocking it, users), properties, streams of several packets.

mod level_0;
mod session;
mod tokens;

use session::Session;
use std::ops::Range;

/// IF-RECV: which security protocols there are.
const PROTOCOL_INFORMATION: u8 = 0x00;
/// TCG.
const PROTOCOL_TCG: u8 = 0x01;
/// ComID of Level 0 discovery.
const COM_ID_LEVEL_0: u16 = 0x0001;

/// Security subsystem class, by its feature code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// SAS disks: no shadow MBR, ranges as "bands".
    Enterprise = 0x0100,
    /// Opal 1.
    Opal1 = 0x0200,
    /// Opal 2.
    Opal2 = 0x0203,
    /// Locks and does not encrypt.
    Pyrite1 = 0x0302,
    /// Opal for enterprise drives.
    Ruby = 0x0304,
}

/// A drive with TCG, before its first command.
#[derive(Clone, Debug)]
pub struct Options {
    /// What it is.
    pub class: Class,
    /// ComID of its sessions.
    pub base_com_id: u16,
    /// Printed on its label.
    pub psid: [u8; 32],
    /// User data is under a media key, which a revert replaces. Where not, a revert opens and erases
    /// nothing.
    pub encrypts: bool,
    /// Somebody has taken its locking into use.
    pub owner: Option<Owner>,
    /// The firmware of the computer blocks the owner's password until the power goes.
    pub sid_blocked: bool,
    /// Wrong PSIDs that it takes until the power goes.
    pub tries: u8,
    /// What is untrue.
    pub lies: Lies,
}

/// What an owner has set up.
#[derive(Clone, Debug, Default)]
pub struct Owner {
    /// Sectors that can be neither read nor written while locked.
    pub ranges: Vec<Range<u64>>,
    /// What is read from the first sector on until it is put aside, in whole sectors; none: not in use.
    pub shadow_mbr: Option<Vec<u8>>,
    /// The owner's password opened it before the start: open until the power goes.
    pub is_open: bool,
}

/// Named ways not to do what is said. All off by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lies {
    /// A revert is answered with success and keeps the media key: everything can be read afterwards.
    pub revert_keeps_data: bool,
    /// A revert is answered with success and changes nothing.
    pub revert_stays_locked: bool,
}

impl Default for Options {
    /// Opal 2 as it left the factory.
    fn default() -> Self {
        Self {
            class: Class::Opal2,
            base_com_id: 0x1004,
            psid: *b"VUTSRQPONMLKJIHGFEDCBA9876543210",
            encrypts: true,
            owner: None,
            sid_blocked: false,
            tries: 5,
            lies: Lies::default(),
        }
    }
}

/// Where a read gets its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// The medium.
    Medium,
    /// The shadow MBR: these.
    Shadow(Vec<u8>),
    /// Nowhere: data protection error.
    Denied,
}

/// A security command that is refused as such: unknown protocol or ComID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused;

/// What a command brought with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing beyond the TPer.
    None,
    /// The media key is another one.
    KeyReplaced,
}

/// The TPer with its state.
#[derive(Clone, Debug)]
pub(crate) struct Tper {
    options: Options,
    is_open: bool,
    tries_left: u8,
    sid_blocked: bool,
    session: Option<Session>,
    /// What the next IF-RECV of its sessions gets.
    response: Vec<u8>,
}

impl Tper {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            is_open: options.owner.as_ref().is_some_and(|owner| owner.is_open),
            tries_left: options.tries,
            sid_blocked: options.sid_blocked,
            session: None,
            response: Vec::new(),
            options,
        }
    }

    /// The power comes back: it locks, and tries begin anew. The computer's firmware blocks again.
    pub(crate) fn power_on(&mut self) {
        let options = Options {
            owner: self.options.owner.take().map(|owner| Owner {
                is_open: false,
                ..owner
            }),
            ..self.options.clone()
        };
        *self = Self::new(options);
    }

    /// A range is locked now.
    pub(crate) fn is_locked(&self) -> bool {
        let owner = self.options.owner.as_ref();
        !self.is_open && owner.is_some_and(|owner| !owner.ranges.is_empty())
    }

    fn is_enabled(&self) -> bool {
        self.options.owner.is_some()
    }

    fn shadow(&self) -> Option<&[u8]> {
        let shadow = self.options.owner.as_ref()?.shadow_mbr.as_deref();
        shadow.filter(|_| !self.is_open)
    }

    fn is_denied(&self, sectors: &Range<u64>) -> bool {
        let owner = self.options.owner.iter();
        let mut ranges = owner.flat_map(|owner| &owner.ranges);
        !self.is_open && ranges.any(|range| range.start < sectors.end && sectors.start < range.end)
    }

    /// Where these sectors are read from. A read that begins in the shadow MBR must end in it.
    pub(crate) fn read(&self, sectors: &Range<u64>, sector_bytes: usize) -> Read {
        let at = |lba: u64| {
            usize::try_from(lba).map_or(usize::MAX, |lba| lba.saturating_mul(sector_bytes))
        };
        match self.shadow() {
            Some(shadow) if at(sectors.start) < shadow.len() => {
                let bytes = shadow.get(at(sectors.start)..at(sectors.end));
                bytes.map_or(Read::Denied, |bytes| Read::Shadow(bytes.to_vec()))
            }
            _ if self.is_denied(sectors) => Read::Denied,
            _ => Read::Medium,
        }
    }

    /// The shadow MBR takes no writes of the host.
    pub(crate) fn may_write(&self, sectors: &Range<u64>, sector_bytes: usize) -> bool {
        !self.is_denied(sectors) && self.read(sectors, sector_bytes) == Read::Medium
    }

    /// What is of the whole drive: deallocation, format, sanitize.
    pub(crate) fn may_change_all(&self) -> bool {
        !self.is_locked() && self.shadow().is_none()
    }

    /// IF-SEND.
    pub(crate) fn send(
        &mut self,
        protocol: u8,
        com_id: u16,
        payload: &[u8],
    ) -> Result<Effect, Refused> {
        if protocol != PROTOCOL_TCG || com_id != self.options.base_com_id {
            return Err(Refused);
        }
        self.session_command(payload)
    }

    /// IF-RECV of at most so many bytes, padded with zeros.
    pub(crate) fn receive(
        &mut self,
        protocol: u8,
        com_id: u16,
        bytes: usize,
    ) -> Result<Vec<u8>, Refused> {
        let mut data = match (protocol, com_id) {
            (PROTOCOL_INFORMATION, 0) => {
                vec![0, 0, 0, 0, 0, 0, 0, 2, PROTOCOL_INFORMATION, PROTOCOL_TCG]
            }
            (PROTOCOL_TCG, COM_ID_LEVEL_0) => self.level_0(),
            (PROTOCOL_TCG, com_id) if com_id == self.options.base_com_id => {
                match std::mem::take(&mut self.response) {
                    response if response.is_empty() => session::com_packet(com_id, &[]),
                    response => response,
                }
            }
            _ => return Err(Refused),
        };
        data.resize(bytes, 0);
        Ok(data)
    }

    /// The drive as it left the factory, but for what the lies leave.
    fn revert(&mut self) -> Effect {
        let lies = self.options.lies;
        if lies.revert_stays_locked {
            return Effect::None;
        }
        self.options.owner = None;
        self.is_open = false;
        self.tries_left = self.options.tries;
        match self.options.encrypts && !lies.revert_keeps_data {
            true => Effect::KeyReplaced,
            false => Effect::None,
        }
    }
}

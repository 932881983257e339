//! The session manager and the Admin SP: StartSession, Revert, end of session (Core 2.01, 3.3.7 and
//! 5.2; Opal 2.01, 5.1.2). Packets are one in a ComPacket, one call in a packet.

use super::tokens::{
    self, CALL, END_LIST, END_NAME, END_OF_DATA, END_OF_SESSION, START_LIST, START_NAME, Token,
};
use super::{Effect, Refused, Tper};

const SESSION_MANAGER: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 0xFF];
const START_SESSION: [u8; 8] = [0, 0, 0, 0, 0, 0, 0xFF, 0x02];
const SYNC_SESSION: [u8; 8] = [0, 0, 0, 0, 0, 0, 0xFF, 0x03];
const ADMIN_SP: [u8; 8] = [0, 0, 0x02, 0x05, 0, 0, 0, 0x01];
const AUTHORITY_PSID: [u8; 8] = [0, 0, 0, 0x09, 0, 0x01, 0xFF, 0x01];
const REVERT: [u8; 8] = [0, 0, 0, 0x06, 0, 0, 0x02, 0x02];

/// Names of StartSession's optional parameters.
const HOST_CHALLENGE: u64 = 0;
const HOST_SIGNING_AUTHORITY: u64 = 3;

/// Method status codes (Core 2.01, 5.1.5).
const SUCCESS: u8 = 0x00;
const NOT_AUTHORIZED: u8 = 0x01;
const NO_SESSIONS_AVAILABLE: u8 = 0x07;
const INVALID_PARAMETER: u8 = 0x0C;
const AUTHORITY_LOCKED_OUT: u8 = 0x12;

/// The TPer's number of its first session.
const SESSION_FIRST: u32 = 0x1000;

const COM_PACKET_BYTES: usize = 20;
const PACKET_BYTES: usize = 24;
const SUBPACKET_BYTES: usize = 12;
const HEADERS_BYTES: usize = COM_PACKET_BYTES + PACKET_BYTES + SUBPACKET_BYTES;

/// An open session with the Admin SP.
#[derive(Clone, Debug)]
pub(super) struct Session {
    tper: u32,
    host: u32,
    /// Authenticated by the PSID; else it is Anybody's.
    by_psid: bool,
}

/// A ComPacket around what is given.
pub(super) fn com_packet(com_id: u16, packet: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; COM_PACKET_BYTES];
    bytes[4..6].copy_from_slice(&com_id.to_be_bytes());
    let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    bytes[16..20].copy_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(packet);
    bytes
}

/// One packet with one data subpacket, padded to four bytes.
fn packet(tper: u32, host: u32, payload: &[u8]) -> Vec<u8> {
    let padded = payload.len().next_multiple_of(4);
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = vec![0; PACKET_BYTES + SUBPACKET_BYTES];
    bytes[..4].copy_from_slice(&tper.to_be_bytes());
    bytes[4..8].copy_from_slice(&host.to_be_bytes());
    bytes[20..24].copy_from_slice(&length(SUBPACKET_BYTES + padded));
    bytes[32..36].copy_from_slice(&length(payload.len()));
    bytes.extend_from_slice(payload);
    bytes.resize(PACKET_BYTES + SUBPACKET_BYTES + padded, 0);
    bytes
}

/// The status list behind a call's results.
fn status(status: u8) -> [u8; 6] {
    [END_OF_DATA, START_LIST, status, 0, 0, END_LIST]
}

fn dword(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..offset + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// What StartSession asks for.
struct Start {
    host: u32,
    service_provider: Vec<u8>,
    challenge: Option<Vec<u8>>,
    authority: Option<Vec<u8>>,
}

impl Start {
    /// `None` where the parameters are not those of StartSession.
    fn of(parameters: &[Token]) -> Option<Self> {
        let [
            Token::Number(host),
            Token::Bytes(provider),
            Token::Number(_),
            named @ ..,
        ] = parameters
        else {
            return None;
        };
        let mut start = Self {
            host: u32::try_from(*host).ok()?,
            service_provider: provider.clone(),
            challenge: None,
            authority: None,
        };
        for one in named.chunks(4) {
            let [
                Token::Control(START_NAME),
                Token::Number(name),
                Token::Bytes(value),
                Token::Control(END_NAME),
            ] = one
            else {
                return None;
            };
            match *name {
                HOST_CHALLENGE => start.challenge = Some(value.clone()),
                HOST_SIGNING_AUTHORITY => start.authority = Some(value.clone()),
                _ => return None,
            }
        }
        Some(start)
    }
}

/// Invoking UID, method UID and parameters of the one call in a payload.
fn call(tokens: &[Token]) -> Option<(&[u8], &[u8], &[Token])> {
    let [
        Token::Control(CALL),
        Token::Bytes(invoking),
        Token::Bytes(method),
        Token::Control(START_LIST),
        rest @ ..,
    ] = tokens
    else {
        return None;
    };
    let end = [
        Token::Control(END_LIST),
        Token::Control(END_OF_DATA),
        Token::Control(START_LIST),
        Token::Number(0),
        Token::Number(0),
        Token::Number(0),
        Token::Control(END_LIST),
    ];
    Some((invoking, method, rest.strip_suffix(&end)?))
}

impl Tper {
    /// One ComPacket from the host; its answer waits for IF-RECV. What cannot be read is dropped, as a
    /// TPer does, and then nothing waits.
    pub(super) fn session_command(&mut self, bytes: &[u8]) -> Result<Effect, Refused> {
        self.response = Vec::new();
        let Some((tper, host, tokens)) = received(bytes) else {
            return Ok(Effect::None);
        };
        let (payload, effect) = match (tper, host) {
            (0, 0) => (self.manage(&tokens), Effect::None),
            session => match self.in_session(session, &tokens) {
                Some(answer) => answer,
                None => return Ok(Effect::None),
            },
        };
        let packet = packet(tper, host, &payload);
        self.response = com_packet(self.options.base_com_id, &packet);
        Ok(effect)
    }

    /// A call to the session manager.
    fn manage(&mut self, tokens: &[Token]) -> Vec<u8> {
        let started = match call(tokens) {
            Some((invoking, method, parameters))
                if invoking == SESSION_MANAGER && method == START_SESSION =>
            {
                match Start::of(parameters) {
                    Some(start) => self.start(&start),
                    None => Err(INVALID_PARAMETER),
                }
            }
            _ => Err(INVALID_PARAMETER),
        };
        let mut payload = vec![CALL];
        payload.extend(tokens::bytes(&SESSION_MANAGER));
        payload.extend(tokens::bytes(&SYNC_SESSION));
        payload.push(START_LIST);
        if let Ok((host, tper)) = started {
            payload.extend(tokens::number(u64::from(host)));
            payload.extend(tokens::number(u64::from(tper)));
        }
        payload.push(END_LIST);
        payload.extend(status(started.err().unwrap_or(SUCCESS)));
        payload
    }

    /// Host's and TPer's number of the new session, or the status of a refusal.
    fn start(&mut self, start: &Start) -> Result<(u32, u32), u8> {
        if self.session.is_some() {
            return Err(NO_SESSIONS_AVAILABLE);
        }
        if start.service_provider != ADMIN_SP {
            return Err(INVALID_PARAMETER);
        }
        let by_psid = match &start.authority {
            None => false,
            Some(authority) if *authority == AUTHORITY_PSID => {
                self.authenticate(start.challenge.as_deref())?;
                true
            }
            // No other authority's password is known here; the owner's is moreover blocked, or not.
            Some(_) => return Err(NOT_AUTHORIZED),
        };
        self.session = Some(Session {
            tper: SESSION_FIRST,
            host: start.host,
            by_psid,
        });
        Ok((start.host, SESSION_FIRST))
    }

    fn authenticate(&mut self, challenge: Option<&[u8]>) -> Result<(), u8> {
        if self.tries_left == 0 {
            return Err(AUTHORITY_LOCKED_OUT);
        }
        if challenge != Some(&self.options.psid[..]) {
            self.tries_left -= 1;
            return Err(NOT_AUTHORIZED);
        }
        self.tries_left = self.options.tries;
        Ok(())
    }

    /// A call in a session; `None` where there is no such session.
    fn in_session(&mut self, number: (u32, u32), tokens: &[Token]) -> Option<(Vec<u8>, Effect)> {
        let session = self.session.clone()?;
        if (session.tper, session.host) != number {
            return None;
        }
        if tokens == [Token::Control(END_OF_SESSION)] {
            self.session = None;
            return Some((vec![END_OF_SESSION], Effect::None));
        }
        let is_revert = call(tokens).is_some_and(|(invoking, method, parameters)| {
            invoking == ADMIN_SP && method == REVERT && parameters.is_empty()
        });
        let answer = |code| [&[START_LIST, END_LIST], &status(code)[..]].concat();
        if !is_revert || !session.by_psid {
            return Some((answer(NOT_AUTHORIZED), Effect::None));
        }
        // The answer to Revert is the session's last one.
        self.session = None;
        let effect = self.revert();
        Some((answer(SUCCESS), effect))
    }
}

/// Session numbers (the TPer's, the host's) and tokens of a ComPacket.
fn received(bytes: &[u8]) -> Option<(u32, u32, Vec<Token>)> {
    let tper = dword(bytes, COM_PACKET_BYTES)?;
    let host = dword(bytes, COM_PACKET_BYTES + 4)?;
    let length = usize::try_from(dword(bytes, HEADERS_BYTES - 4)?).ok()?;
    let end = HEADERS_BYTES.checked_add(length)?;
    let tokens = tokens::parse(bytes.get(HEADERS_BYTES..end)?)?;
    Some((tper, host, tokens))
}

//! What a host sends for a revert with the PSID, byte by byte as `block/sed-opal.c` lays it out, and
//! what it reads in the answers.

use sim::tcg::{Options, Owner};

pub const COM_ID: u16 = 0x1004;
pub const PSID: &[u8; 32] = b"VUTSRQPONMLKJIHGFEDCBA9876543210";
pub const SECRET: &[u8] = b"THE DONOR'S TAX RETURN";
/// What an owner's shadow MBR shows.
pub const SHADOW: &[u8] = b"ENTER YOUR PASSWORD";

/// Kernel buffers of sed-opal.
pub const BUFFER_BYTES: usize = 2048;

/// Locking in use: sectors 16 to 31 and 40 to 47 locked, four sectors of shadow MBR.
pub fn owned() -> Options {
    let mut shadow = SHADOW.to_vec();
    shadow.resize(4 * 512, 0);
    Options {
        owner: Some(Owner {
            ranges: vec![16..32, 40..48],
            shadow_mbr: Some(shadow),
            is_open: false,
        }),
        ..Options::default()
    }
}

pub fn secret_sector() -> Vec<u8> {
    let mut sector = SECRET.to_vec();
    sector.resize(512, b'.');
    sector
}

fn framed(tper: u32, host: u32, tokens: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 56];
    bytes[4..6].copy_from_slice(&COM_ID.to_be_bytes());
    bytes[20..24].copy_from_slice(&tper.to_be_bytes());
    bytes[24..28].copy_from_slice(&host.to_be_bytes());
    bytes.extend_from_slice(tokens);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    let whole = bytes.len() as u32;
    bytes[52..56].copy_from_slice(&(tokens.len() as u32).to_be_bytes());
    bytes[40..44].copy_from_slice(&(whole - 44).to_be_bytes());
    bytes[16..20].copy_from_slice(&(whole - 20).to_be_bytes());
    bytes.resize(BUFFER_BYTES, 0);
    bytes
}

/// StartSession of session manager FFh to the Admin SP, host session 41h, as the PSID authority.
pub fn start_session(psid: &[u8]) -> Vec<u8> {
    let mut tokens = vec![0xF8, 0xA8, 0, 0, 0, 0, 0, 0, 0, 0xFF];
    tokens.extend([0xA8, 0, 0, 0, 0, 0, 0, 0xFF, 0x02, 0xF0]);
    tokens.extend([0x81, 0x41]);
    tokens.extend([0xA8, 0, 0, 0x02, 0x05, 0, 0, 0, 0x01]);
    tokens.push(1);
    tokens.extend([0xF2, 0x00, 0xD0, psid.len() as u8]);
    tokens.extend(psid);
    tokens.push(0xF3);
    tokens.extend([0xF2, 0x03, 0xA8, 0, 0, 0, 0x09, 0, 0x01, 0xFF, 0x01, 0xF3]);
    tokens.extend([0xF1, 0xF9, 0xF0, 0, 0, 0, 0xF1]);
    framed(0, 0, &tokens)
}

/// Revert of the Admin SP in this session.
pub fn revert(tper: u32) -> Vec<u8> {
    let mut tokens = vec![0xF8, 0xA8, 0, 0, 0x02, 0x05, 0, 0, 0, 0x01];
    tokens.extend([0xA8, 0, 0, 0, 0x06, 0, 0, 0x02, 0x02]);
    tokens.extend([0xF0, 0xF1, 0xF9, 0xF0, 0, 0, 0, 0xF1]);
    framed(tper, 0x41, &tokens)
}

/// The tokens of an answer; empty when there is none.
pub fn tokens(answer: &[u8]) -> &[u8] {
    let length = u32::from_be_bytes(answer[52..56].try_into().unwrap());
    &answer[56..56 + length as usize]
}

/// Method status of an answer: the fourth token from its end.
pub fn status(answer: &[u8]) -> u8 {
    let [.., 0xF9, 0xF0, status, 0, 0, 0xF1] = tokens(answer) else {
        panic!("{:02X?}", tokens(answer));
    };
    *status
}

/// The TPer's session number in SyncSession.
pub fn session(answer: &[u8]) -> u32 {
    let [
        0xF8,
        0xA8,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0xFF,
        0xA8,
        0,
        0,
        0,
        0,
        0,
        0,
        0xFF,
        0x03,
        rest @ ..,
    ] = tokens(answer)
    else {
        panic!("{:02X?}", tokens(answer));
    };
    let [0xF0, 0x81, 0x41, 0x82, high, low, 0xF1, ..] = rest else {
        panic!("{rest:02X?}");
    };
    u32::from_be_bytes([0, 0, *high, *low])
}

/// Locking's byte in Level 0 discovery.
pub fn locking(level_0: &[u8]) -> u8 {
    let end = u32::from_be_bytes(level_0[..4].try_into().unwrap()) as usize + 4;
    let mut at = 48;
    while level_0[at..at + 2] != [0x00, 0x02] {
        at += 4 + usize::from(level_0[at + 3]);
        assert!(at < end);
    }
    level_0[at + 4]
}

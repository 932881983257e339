//! Tokens of a method call (Core 2.01, 3.2.2.3).

pub(super) const START_LIST: u8 = 0xF0;
pub(super) const END_LIST: u8 = 0xF1;
pub(super) const START_NAME: u8 = 0xF2;
pub(super) const END_NAME: u8 = 0xF3;
pub(super) const CALL: u8 = 0xF8;
pub(super) const END_OF_DATA: u8 = 0xF9;
pub(super) const END_OF_SESSION: u8 = 0xFA;
const EMPTY: u8 = 0xFF;

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Number(u64),
    Bytes(Vec<u8>),
    Control(u8),
}

/// All tokens; `None` where an atom is cut or too long for a number.
pub(super) fn parse(mut data: &[u8]) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    while let Some((&first, rest)) = data.split_first() {
        data = rest;
        let (is_bytes, length) = match first {
            EMPTY => continue,
            0xF0.. => {
                tokens.push(Token::Control(first));
                continue;
            }
            // Tiny: the number itself, six bits.
            0x00..0x80 => {
                tokens.push(Token::Number(u64::from(first & 0x3F)));
                continue;
            }
            // Short, medium, long: a length of 4, 11 and 24 bits.
            0x80..0xC0 => (first & 0x20 != 0, usize::from(first & 0x0F)),
            0xC0..0xE0 => {
                let (low, rest) = data.split_first()?;
                data = rest;
                let high = usize::from(first & 0x07);
                (first & 0x10 != 0, high << 8 | usize::from(*low))
            }
            0xE0..0xF0 => {
                let (length, rest) = data.split_first_chunk::<3>()?;
                data = rest;
                let [a, b, c] = length.map(usize::from);
                (first & 0x02 != 0, a << 16 | b << 8 | c)
            }
        };
        let (atom, rest) = data.split_at_checked(length)?;
        data = rest;
        tokens.push(match is_bytes {
            true => Token::Bytes(atom.to_vec()),
            false if length > 8 => return None,
            false => Token::Number(atom.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))),
        });
    }
    Some(tokens)
}

/// A number as the shortest atom.
pub(super) fn number(value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let begins = bytes.iter().position(|byte| *byte != 0).unwrap_or(7);
    match (&bytes[begins..], value) {
        (_, 0..64) => vec![bytes[7]],
        (bytes, _) => {
            let length = u8::try_from(bytes.len()).unwrap_or(8);
            [&[0x80 | length], bytes].concat()
        }
    }
}

/// A short atom of bytes: at most 15.
pub(super) fn bytes(of: &[u8; 8]) -> Vec<u8> {
    [&[0xA8], &of[..]].concat()
}

//! Numbers and text at fixed places of an answer that may be shorter than its specification says.
//! Every read is an `Option`: firmware truncates, and an index out of bounds must not end the agent.

/// `N` bytes at `at`, if the answer reaches that far.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

pub(crate) fn byte(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

pub(crate) fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

pub(crate) fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

pub(crate) fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

pub(crate) fn le64(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

pub(crate) fn le128(bytes: &[u8], at: usize) -> Option<u128> {
    array(bytes, at).map(u128::from_le_bytes)
}

/// A big-endian integer of any length: `None` when empty or when it does not fit 64 bits.
pub(crate) fn be_any(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    let mut value: u64 = 0;
    for b in bytes {
        value = value.checked_mul(256)?.checked_add(u64::from(*b))?;
    }
    Some(value)
}

/// Whether bit `bit` of `word` is set.
pub(crate) fn bit(word: impl Into<u64>, bit: u32) -> bool {
    word.into() >> bit & 1 == 1
}

/// Text of a padded field, without the spaces and NULs around it; `None` when nothing is left.
///
/// What is not printable ASCII is written `\xNN`: two serials that differ only there stay different.
pub(crate) fn text(field: &[u8]) -> Option<String> {
    let padding = |b: &u8| matches!(b, b' ' | 0);
    let start = field.iter().position(|b| !padding(b))?;
    let end = field.iter().rposition(|b| !padding(b))?;
    let mut out = String::new();
    for b in field.get(start..=end)? {
        if matches!(b, 0x20..=0x7E) {
            out.push(char::from(*b));
        } else {
            out.push_str(&format!("\\x{b:02X}"));
        }
    }
    Some(out)
}

/// Whether every byte of a field is printable ASCII or NUL padding.
pub(crate) fn is_plain_text(field: &[u8]) -> bool {
    field.iter().all(|b| matches!(b, 0x20..=0x7E | 0))
}

/// Whether an answer is one byte repeated: what a swallowed command or an empty bridge leaves.
pub(crate) fn is_one_byte_repeated(bytes: &[u8]) -> bool {
    match bytes.split_first() {
        Some((first, rest)) => rest.iter().all(|b| b == first),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_beyond_the_end_are_none() {
        assert_eq!(be16(&[1, 2, 3], 1), Some(0x0203));
        assert_eq!(be16(&[1, 2, 3], 2), None);
        assert_eq!(le32(&[1, 2, 3, 4], usize::MAX), None);
    }

    #[test]
    fn text_keeps_differing_serials_apart() {
        assert_eq!(text(b"  WD-1 2 \0\0"), Some("WD-1 2".into()));
        assert_eq!(text(b"A\x01B"), Some("A\\x01B".into()));
        assert_eq!(text(b"A\xFFB"), Some("A\\xFFB".into()));
        assert_eq!(text(b" \0 "), None);
    }

    #[test]
    fn long_integers_that_overflow_are_none() {
        assert_eq!(be_any(&[0, 0, 0, 0, 0, 0, 0, 0, 1, 2]), Some(0x102));
        assert_eq!(be_any(&[1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(be_any(&[]), None);
    }
}

//! Bytes as a person can read and change them: hexadecimal in groups of sixteen bytes, and longer
//! runs of zeros by their number (`00*480`), of which a drive's answers mostly consist.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// More than any answer to one question has.
pub const BYTES_MAX: usize = 64 << 10;

/// Shorter runs of zeros are written out.
const RUN_MIN: usize = 8;

/// Bytes of a group.
const GROUP: usize = 16;

/// Some bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// Why a text is no bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoBytes {
    /// A group is neither pairs of digits nor a run of zeros.
    #[error("{0:?} is neither pairs of hexadecimal digits nor a run of zeros (00*480)")]
    Group(String),
    /// More than [`BYTES_MAX`].
    #[error("more than {BYTES_MAX} bytes")]
    Long,
}

impl FromStr for Bytes {
    type Err = NoBytes;

    fn from_str(text: &str) -> Result<Self, NoBytes> {
        let mut bytes = Vec::new();
        for group in text.split_ascii_whitespace() {
            let wrong = || NoBytes::Group(group.to_owned());
            match group.strip_prefix("00*") {
                Some(length) => {
                    let length: usize = length.parse().map_err(|_| wrong())?;
                    if length > BYTES_MAX {
                        return Err(NoBytes::Long);
                    }
                    bytes.resize(bytes.len() + length, 0);
                }
                None => bytes.extend(::hex::decode(group).map_err(|_| wrong())?),
            }
            if bytes.len() > BYTES_MAX {
                return Err(NoBytes::Long);
            }
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_slice();
        let mut first = true;
        while !rest.is_empty() {
            if !std::mem::take(&mut first) {
                f.write_str(" ")?;
            }
            let zeros = run(rest);
            if zeros >= RUN_MIN {
                write!(f, "00*{zeros}")?;
                rest = rest.split_at(zeros).1;
                continue;
            }
            let most = rest.len().min(GROUP);
            let until =
                (1..most).find(|at| rest.get(*at..).is_some_and(|tail| run(tail) >= RUN_MIN));
            let (group, tail) = rest.split_at(until.unwrap_or(most));
            f.write_str(&::hex::encode(group))?;
            rest = tail;
        }
        Ok(())
    }
}

/// How many zeros the bytes begin with.
fn run(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte == 0).count()
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

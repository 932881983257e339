//! A boot area of an eMMC, which the erase and sanitize of its card do not reach.
//!
//! It is read in whole. One that holds nothing but one filling is left as it is. One that holds data is
//! overwritten with a keyed pattern and then with zeros, each flushed and read back to the last byte,
//! unless the computer boots from it, the card protects it, or it holds what looks like firmware: such a one
//! stays. A purge of the card needs
//! both to be blank when they are found: an overwrite by the host is Clear, of an area too. What an area came to can be made by [`empty`] alone.

use crate::content::Content;
use crate::pattern::{Cipher, PassKey, Seed};
use std::io;
use sys::aligned::AlignedBuffer;

/// A request's bytes; an area is a multiple of 128 KiB.
const REQUEST_BYTES: usize = 1 << 20;

/// What an area that was never written reads as.
const FILLINGS: [u8; 2] = [0x00, 0xFF];

/// A volume of UEFI firmware (Platform Initialization, 3.2.1), and two tables of Intel's firmware.
const FIRMWARE: [&str; 3] = ["_FVH", "$FPT", "$CPD"];

/// One boot area, held exclusively.
pub trait Area {
    /// Its size.
    fn bytes(&self) -> u64;

    /// Reads what is on the medium.
    ///
    /// # Errors
    /// What the kernel says.
    fn read_at(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()>;

    /// Lifts the kernel's write protection, which [`Area::protect`] sets again, or that the area is let
    /// go.
    ///
    /// # Errors
    /// In words, when it stays.
    fn lift(&mut self) -> Result<(), String>;

    /// Writes, past the page cache.
    ///
    /// # Errors
    /// What the kernel says.
    fn write_at(&self, bytes: &[u8], offset_bytes: u64) -> io::Result<()>;

    /// Waits until everything written is on the medium, as far as the card tells.
    ///
    /// # Errors
    /// When the kernel or the card reports a failure.
    fn flush(&self) -> io::Result<()>;

    /// Protects it again.
    ///
    /// # Errors
    /// In words, when it is not.
    fn protect(&mut self) -> Result<(), String>;
}

/// What became of one area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    number: u8,
    bytes: u64,
    end: End,
    /// Beside its end, in words.
    remark: Option<String>,
}

/// How an area ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Every byte was read, and is this one. Nothing was written.
    Blank(u8),
    /// It held data; every byte was overwritten, read back and compared, and it now reads as zeros.
    Overwritten,
    /// It may hold data, and why.
    Left(String),
}

impl Record {
    /// An area that could not be looked at.
    #[must_use]
    pub fn left(number: u8, bytes: u64, why: impl Into<String>) -> Self {
        Self {
            number,
            bytes,
            end: End::Left(why.into()),
            remark: None,
        }
    }

    /// 0 or 1.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Its size.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How it ended.
    #[must_use]
    pub fn end(&self) -> &End {
        &self.end
    }

    /// What else is to be said of it.
    #[must_use]
    pub fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    /// Nothing stood in it: all bytes were read, none was written.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        matches!(self.end, End::Blank(_)) && self.bytes > 0
    }

    /// No byte of it is anybody's: all were read, at the end of it all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self.end {
            End::Blank(_) | End::Overwritten => self.bytes > 0,
            End::Left(_) => false,
        }
    }
}

/// Reads an area, and overwrites it where it holds data and `unwritable` has nothing against it. Ends
/// between two requests when `goes_on` says no.
#[must_use]
pub fn empty(
    number: u8,
    area: &mut dyn Area,
    unwritable: Option<String>,
    goes_on: &dyn Fn() -> bool,
) -> Record {
    let mut remark = None;
    let end = ended(area, unwritable, goes_on).unwrap_or_else(End::Left);
    if let Err(why) = area.protect() {
        remark = Some(why);
    }
    Record {
        number,
        bytes: area.bytes(),
        end,
        remark,
    }
}

fn ended(
    area: &mut dyn Area,
    unwritable: Option<String>,
    goes_on: &dyn Fn() -> bool,
) -> Result<End, String> {
    let mut buffer = AlignedBuffer::new(REQUEST_BYTES).map_err(|error| error.to_string())?;
    match look(area, &mut buffer, goes_on)? {
        Seen::Filling(filling) => return Ok(End::Blank(filling)),
        Seen::Firmware(signature) => {
            return Err(format!(
                "holds what looks like firmware ({signature}), and is not written: the computer may be dead without it"
            ));
        }
        Seen::Data => {}
    }
    if let Some(why) = unwritable {
        return Err(format!("holds data, and is not written: {why}"));
    }
    let key = key()?;
    area.lift()
        .map_err(|why| format!("holds data, and takes no writes: {why}"))?;
    // Zeros alone would not show a write that went elsewhere; noise alone might be run by somebody.
    for content in [Content::Pattern(key), Content::Zeros] {
        overwrite(area, &content, &mut buffer, goes_on)?;
    }
    Ok(End::Overwritten)
}

/// Of no drive and no pass: it is compared within the minute, and overwritten.
fn key() -> Result<PassKey, String> {
    let seed = Seed::random().map_err(|error| error.to_string())?;
    PassKey::derive(&seed, "boot area", Cipher::for_this_cpu(), 0)
        .map_err(|wrong| wrong.to_string())
}

/// What an area holds.
enum Seen {
    /// Every byte is this one.
    Filling(u8),
    /// Something that a computer may start from, whatever the card's register says of it.
    Firmware(&'static str),
    Data,
}

fn look(area: &dyn Area, buffer: &mut [u8], goes_on: &dyn Fn() -> bool) -> Result<Seen, String> {
    let mut filling = None;
    let mut is_filled = true;
    let mut firmware = None;
    for (offset, length) in requests(area.bytes()) {
        go_on(goes_on, "while it was read")?;
        let buffer = &mut buffer[..length];
        read(area, buffer, offset)?;
        let first = *filling.get_or_insert(buffer[0]);
        is_filled &= FILLINGS.contains(&first) && buffer.iter().all(|byte| *byte == first);
        firmware = firmware.or_else(|| signature(buffer));
    }
    match (filling, firmware) {
        (None, _) => Err("it has no bytes".into()),
        (Some(filling), _) if is_filled => Ok(Seen::Filling(filling)),
        (Some(_), Some(signature)) => Ok(Seen::Firmware(signature)),
        (Some(_), None) => Ok(Seen::Data),
    }
}

/// A signature that stands at a multiple of 4 bytes, as each of [`FIRMWARE`] does.
fn signature(bytes: &[u8]) -> Option<&'static str> {
    let (words, _) = bytes.as_chunks::<4>();
    let known = |word: &[u8; 4]| FIRMWARE.into_iter().find(|name| name.as_bytes() == word);
    words.iter().find_map(known)
}

fn overwrite(
    area: &dyn Area,
    content: &Content,
    buffer: &mut [u8],
    goes_on: &dyn Fn() -> bool,
) -> Result<(), String> {
    for (offset, length) in requests(area.bytes()) {
        go_on(goes_on, "while it was overwritten")?;
        let buffer = &mut buffer[..length];
        content.fill(offset, buffer);
        area.write_at(buffer, offset)
            .map_err(|error| format!("not overwritten: at byte {offset}: {error}"))?;
    }
    area.flush()
        .map_err(|error| format!("not overwritten: the flush failed: {error}"))?;
    for (offset, length) in requests(area.bytes()) {
        go_on(goes_on, "while it was read back")?;
        let buffer = &mut buffer[..length];
        read(area, buffer, offset)?;
        if let Some(at) = content.first_mismatch(offset, buffer) {
            let at = offset + at as u64;
            return Err(format!(
                "not overwritten: byte {at} is not what was written"
            ));
        }
    }
    Ok(())
}

/// What a failed or short read leaves in the buffer is nobody's.
fn read(area: &dyn Area, buffer: &mut [u8], offset: u64) -> Result<(), String> {
    area.read_at(buffer, offset)
        .map_err(|error| format!("not readable: at byte {offset}: {error}"))
}

fn go_on(goes_on: &dyn Fn() -> bool, when: &str) -> Result<(), String> {
    match goes_on() {
        true => Ok(()),
        false => Err(format!("stopped by the operator {when}")),
    }
}

/// Offset and length of each request.
fn requests(bytes: u64) -> impl Iterator<Item = (u64, usize)> {
    (0..bytes).step_by(REQUEST_BYTES).map(move |offset| {
        let left = usize::try_from(bytes - offset).unwrap_or(usize::MAX);
        (offset, left.min(REQUEST_BYTES))
    })
}

#[cfg(test)]
mod tests;

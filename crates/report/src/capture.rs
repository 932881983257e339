//! The document of a recorded drive: what the kernel showed of it and what it answered to each
//! question, so that raz can plan for it where it is not. Described in `docs/capture.md`.
//!
//! It is for those who work on raz and for nobody who relies on a report: nothing in it is signed,
//! and no erasure rests on it. It holds the drive's serial number and names. It never holds bytes of
//! the medium.

use crate::capture::hex::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Component, Path};

pub mod hex;

/// Value of [`Capture::schema`].
pub const SCHEMA: &str = "raz-capture@v1";

/// A longer document is none.
pub const BYTES_MAX: usize = 8 << 20;

/// One drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// Always `raz-capture@v1`.
    pub schema: String,
    /// One sentence: the kind of drive, and whether this was recorded or from what it was made.
    pub what: String,
    /// The kernel's name of the drive, such as `sda`.
    pub name: String,
    /// The kernel's error number (Linux) of opening the drive's node, where it could not be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_opened: Option<i32>,
    /// What the kernel showed.
    pub sysfs: Sysfs,
    /// Lines of the kernel's log about the drive's host protected area.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kernel_log: Vec<String>,
    /// SCSI commands with their answers, in the order of asking; ATA travels inside them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scsi: Vec<Scsi>,
    /// NVMe admin commands with their answers, in the order of asking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nvme: Vec<Nvme>,
    /// The extended CSD of an eMMC, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext_csd: Option<Answer<Bytes>>,
}

/// What sysfs shows of a drive. Paths are relative to the root of sysfs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sysfs {
    /// Each link, and where it ends at last.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
    /// Attributes that are text, as they are.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Attributes that are not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pages: BTreeMap<String, Bytes>,
}

/// What a question brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<R> {
    /// The device's own.
    Reply(R),
    /// The kernel's error number (Linux): the device did not answer, or was not asked.
    Errno(i32),
}

/// A SCSI command and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scsi {
    /// The command block.
    pub command: Bytes,
    /// What it brought.
    pub answer: Answer<ScsiReply>,
}

/// How a SCSI command ended. What is 0 or empty is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScsiReply {
    /// SCSI status.
    #[serde(skip_serializing_if = "is_default")]
    pub status: u8,
    /// The host adapter's code.
    #[serde(skip_serializing_if = "is_default")]
    pub host_status: u16,
    /// The kernel's code.
    #[serde(skip_serializing_if = "is_default")]
    pub driver_status: u16,
    /// Sense data.
    #[serde(skip_serializing_if = "is_default")]
    pub sense: Bytes,
    /// The bytes that moved; none where the status is not good.
    #[serde(skip_serializing_if = "is_default")]
    pub data: Bytes,
}

/// An NVMe admin command and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nvme {
    /// The command.
    pub command: NvmeCommand,
    /// What it brought.
    pub answer: Answer<NvmeReply>,
}

/// An NVMe admin command. What is 0 is not written, but for the opcode.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NvmeCommand {
    /// Opcode.
    pub opcode: u8,
    /// Namespace.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nsid: u32,
    /// Command dwords 10 to 15; what is missing at the end is 0.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dwords: Vec<u32>,
}

/// How an NVMe admin command ended. What is 0 or empty is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NvmeReply {
    /// Status code type << 8 | status code.
    #[serde(skip_serializing_if = "is_default")]
    pub status: u16,
    /// Dwords 0 and 1 of the completion.
    #[serde(skip_serializing_if = "is_default")]
    pub result: u64,
    /// The data; none where the status is not 0.
    #[serde(skip_serializing_if = "is_default")]
    pub data: Bytes,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Why bytes are no capture: the field, and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCapture {
    /// A field is not what it must be.
    #[error("no capture: {field}: {reason}")]
    Field {
        /// Path in the document, such as `scsi[3].answer.reply.data`.
        field: String,
        /// What is wrong.
        reason: String,
    },
    /// More than [`BYTES_MAX`].
    #[error("no capture: longer than {BYTES_MAX} bytes")]
    Long,
}

impl NoCapture {
    fn field(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

/// The part that tells which version a document is of.
#[derive(Deserialize)]
struct Version {
    schema: String,
}

impl Capture {
    /// Reads a document.
    ///
    /// # Errors
    /// The first field that is not what it must be. A path that leads out of sysfs is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoCapture> {
        if bytes.len() > BYTES_MAX {
            return Err(NoCapture::Long);
        }
        // Another version may have other fields: they must not be what is complained of.
        let version: Version = from_json(bytes)?;
        if version.schema != SCHEMA {
            let reason = format!("{:?}, and this version knows {SCHEMA}", version.schema);
            return Err(NoCapture::field("schema", reason));
        }
        let capture: Self = from_json(bytes)?;
        capture.check()?;
        Ok(capture)
    }

    /// The document's bytes, with a line feed at the end.
    ///
    /// # Errors
    /// None that these types can have.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    fn check(&self) -> Result<(), NoCapture> {
        if !is_place(&self.name) || self.name.contains('/') || self.name.starts_with('.') {
            return Err(NoCapture::field("name", "not a kernel name"));
        }
        let Sysfs {
            links,
            files,
            pages,
        } = &self.sysfs;
        let keys = [
            ("links", links.keys().collect::<Vec<_>>()),
            ("links", links.values().collect()),
            ("files", files.keys().collect()),
            ("pages", pages.keys().collect()),
        ];
        for (field, paths) in keys {
            if let Some(path) = paths.into_iter().find(|path| !is_place(path)) {
                let reason = format!("{path:?} is not a path below sysfs");
                return Err(NoCapture::field(format!("sysfs.{field}"), reason));
            }
        }
        for (index, asked) in self.scsi.iter().enumerate() {
            if asked.command.0.is_empty() {
                let field = format!("scsi[{index}].command");
                return Err(NoCapture::field(field, "empty"));
            }
        }
        for (index, asked) in self.nvme.iter().enumerate() {
            if asked.command.dwords.len() > 6 {
                let field = format!("nvme[{index}].command.dwords");
                return Err(NoCapture::field(field, "more than the six from 10 to 15"));
            }
        }
        Ok(())
    }
}

fn from_json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, NoCapture> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| NoCapture::field(error.path().to_string(), error.inner().to_string()))?;
    json.end()
        .map_err(|error| NoCapture::field(".", error.to_string()))?;
    Ok(value)
}

/// A relative path of names only.
fn is_place(path: &str) -> bool {
    let names = |part: Component<'_>| matches!(part, Component::Normal(_));
    !path.is_empty() && !path.contains('\0') && Path::new(path).components().all(names)
}

#[cfg(test)]
mod tests;

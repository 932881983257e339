//! The messages of NVMe/TCP (TCP transport specification 1.0, section 3.6): a common header, one of
//! the kind, data.

use std::io::{self, Read};

use anyhow::{Context, bail, ensure};
use sim::device::NvmeAnswer;

const COMMON_BYTES: usize = 8;
const INITIALIZE_BYTES: usize = 128;
const COMMAND_BYTES: usize = 72;
const DATA_BYTES: usize = 24;
/// What the host may send in one message of data.
const HOST_DATA_BYTES_MAX: u32 = 128 << 10;
/// Longer messages are not read.
const PDU_BYTES_MAX: usize = 1 << 20;
/// Flag: the last data of the command.
const LAST: u8 = 1 << 2;

/// What a host sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    InitializeRequest,
    HostTermination,
    Command,
    HostData,
}

/// A message of the host.
pub(super) struct Pdu {
    pub kind: Kind,
    bytes: Vec<u8>,
    /// Where data begin; at the end where there are none.
    data: usize,
}

impl Pdu {
    /// The next one; `None` at the end of the stream.
    pub(super) fn read(stream: &mut impl Read) -> anyhow::Result<Option<Self>> {
        let mut bytes = vec![0; COMMON_BYTES];
        match stream.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other.context("reading a header")?,
        }
        let (kind, header) = match bytes[0] {
            0x00 => (Kind::InitializeRequest, INITIALIZE_BYTES),
            0x02 => (Kind::HostTermination, DATA_BYTES),
            0x04 => (Kind::Command, COMMAND_BYTES),
            0x06 => (Kind::HostData, DATA_BYTES),
            other => bail!("a message of type {other:02x}"),
        };
        let length = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]);
        let length = usize::try_from(length)?;
        ensure!(
            usize::from(bytes[2]) == header,
            "a header of {} bytes",
            bytes[2]
        );
        ensure!((header..=PDU_BYTES_MAX).contains(&length), "{length} bytes");
        let data = match usize::from(bytes[3]) {
            0 => length,
            offset => offset,
        };
        ensure!((header..=length).contains(&data), "data at {data}");
        bytes.resize(length, 0);
        stream
            .read_exact(&mut bytes[COMMON_BYTES..])
            .context("reading a message")?;
        Ok(Some(Self { kind, bytes, data }))
    }

    pub(super) fn word(&self, offset: usize) -> u16 {
        u16::from_le_bytes([self.bytes[offset], self.bytes[offset + 1]])
    }

    pub(super) fn dword(&self, offset: usize) -> anyhow::Result<usize> {
        let bytes = self.bytes[offset..offset + 4].try_into()?;
        Ok(usize::try_from(u32::from_le_bytes(bytes))?)
    }

    /// The submission queue entry of a command.
    pub(super) fn entry(&self) -> anyhow::Result<[u8; 64]> {
        Ok(self.bytes[COMMON_BYTES..COMMAND_BYTES].try_into()?)
    }

    pub(super) fn data(&self) -> &[u8] {
        &self.bytes[self.data..]
    }
}

/// No digests, no padding.
pub(super) fn initialize_response() -> Vec<u8> {
    let mut pdu = header(0x01, 0, INITIALIZE_BYTES, 0);
    pdu[12..16].copy_from_slice(&HOST_DATA_BYTES_MAX.to_le_bytes());
    pdu
}

/// Asks for all the data of a command at once.
pub(super) fn ready_to_transfer(id: u16, tag: u16, bytes: usize) -> anyhow::Result<Vec<u8>> {
    let mut pdu = header(0x09, 0, DATA_BYTES, 0);
    pdu[8..10].copy_from_slice(&id.to_le_bytes());
    pdu[10..12].copy_from_slice(&tag.to_le_bytes());
    pdu[16..20].copy_from_slice(&u32::try_from(bytes)?.to_le_bytes());
    Ok(pdu)
}

/// All the data of an answer at once.
pub(super) fn controller_data(id: u16, data: &[u8]) -> anyhow::Result<Vec<u8>> {
    let bytes = u32::try_from(data.len())?;
    let mut pdu = header(0x07, LAST, DATA_BYTES, bytes);
    pdu[8..10].copy_from_slice(&id.to_le_bytes());
    pdu[16..20].copy_from_slice(&bytes.to_le_bytes());
    pdu.extend_from_slice(data);
    Ok(pdu)
}

/// A completion queue entry. `high` is its dword 1.
pub(super) fn response(answer: &NvmeAnswer, high: u32, head: u16, queue: u16, id: u16) -> Vec<u8> {
    let mut pdu = header(0x05, 0, DATA_BYTES, 0);
    pdu[8..12].copy_from_slice(&answer.result.to_le_bytes());
    pdu[12..16].copy_from_slice(&high.to_le_bytes());
    pdu[16..18].copy_from_slice(&head.to_le_bytes());
    pdu[18..20].copy_from_slice(&queue.to_le_bytes());
    pdu[20..22].copy_from_slice(&id.to_le_bytes());
    // Bit 0 is the phase, which means nothing here.
    pdu[22..24].copy_from_slice(&(answer.status << 1).to_le_bytes());
    pdu
}

/// A header of its whole length, zeros behind the common part.
fn header(kind: u8, flags: u8, bytes: usize, data_bytes: u32) -> Vec<u8> {
    let [length, ..] = bytes.to_le_bytes();
    let offset = if data_bytes > 0 { length } else { 0 };
    let mut pdu = vec![kind, flags, length, offset];
    pdu.extend_from_slice(&(u32::from(length) + data_bytes).to_le_bytes());
    pdu.resize(bytes, 0);
    pdu
}

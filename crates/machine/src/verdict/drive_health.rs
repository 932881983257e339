//! What the verdict needs to know of a drive: plain values that the caller takes from wherever it
//! reads drives, so that this crate needs no drive.

/// Health and fate of one drive.
///
/// Counters are those after the run where there was one: an overwrite makes a drive decide about
/// its pending sectors. `None` is unknown, never zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriveHealth {
    /// How people find it, such as model and serial. Unique within a machine.
    pub subject: String,
    /// Rotating medium.
    pub rotating: Option<bool>,
    /// What became of its data.
    pub erased: DriveFate,
    /// The drive's own overall verdict, or an attribute at its threshold now (temperature apart).
    pub smart_failing: Option<bool>,
    /// ATA attribute 5: reallocated sectors.
    pub reallocated: Option<u64>,
    /// ATA attribute 197: pending sectors.
    pub pending: Option<u64>,
    /// ATA attribute 198: sectors that an offline scan could not read.
    pub offline_uncorrectable: Option<u64>,
    /// ATA attribute 187: errors reported to the host.
    pub reported_uncorrectable: Option<u64>,
    /// ATA attribute 188: command timeouts, unpacked by the caller (low 16 bits).
    pub command_timeout: Option<u64>,
    /// ATA attribute 199: transfers with a wrong checksum.
    pub crc_errors: Option<u64>,
    /// ATA attribute 10: spin-up had to be tried again.
    pub spin_retry: Option<u64>,
    /// Hours under power.
    pub power_on_hours: Option<u64>,
    /// ATA attribute 4: spindle starts and stops.
    pub start_stop: Option<u64>,
    /// NVMe: endurance used in percent of the rated one; 255 at most.
    pub percentage_used: Option<u8>,
    /// NVMe: spare blocks left in percent.
    pub available_spare: Option<u8>,
    /// NVMe: the drive's own lower limit for that.
    pub spare_threshold: Option<u8>,
    /// NVMe: critical warning bits.
    pub critical_warning: Option<u8>,
    /// NVMe: media and data integrity errors.
    pub media_errors: Option<u64>,
    /// SCSI: grown defects.
    pub grown_defects: Option<u64>,
    /// SCSI: read, write and verify errors that were not corrected, together.
    pub uncorrected_errors: Option<u64>,
}

impl DriveHealth {
    /// A drive of which nothing is known but its fate.
    #[must_use]
    pub fn unknown(subject: impl Into<String>, erased: DriveFate) -> Self {
        Self {
            subject: subject.into(),
            rotating: None,
            erased,
            smart_failing: None,
            reallocated: None,
            pending: None,
            offline_uncorrectable: None,
            reported_uncorrectable: None,
            command_timeout: None,
            crc_errors: None,
            spin_retry: None,
            power_on_hours: None,
            start_stop: None,
            percentage_used: None,
            available_spare: None,
            spare_threshold: None,
            critical_warning: None,
            media_errors: None,
            grown_defects: None,
            uncorrected_errors: None,
        }
    }
}

/// What became of a drive's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveFate {
    /// Erased, and a full read-back proved it.
    Proven,
    /// Erasure was tried and is not proven: failed, incomplete, or written and not checked.
    NotProven,
    /// No erasure was tried.
    NotErased,
    /// Kept on purpose, by the operator's word.
    Kept,
    /// A drive may be there that was not seen.
    NotSeen,
}

impl DriveFate {
    /// As in rule files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::NotProven => "not-proven",
            Self::NotErased => "not-erased",
            Self::Kept => "kept",
            Self::NotSeen => "not-seen",
        }
    }
}

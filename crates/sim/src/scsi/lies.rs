//! What a disk may do behind what it says: the firmware that an erasure has to be proven against.

/// Lies of a disk's erasures; by default none. All but those of `format` are of sanitize operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lies {
    /// SANITIZE ends with GOOD and nothing happens, now or later.
    pub swallows: bool,
    /// It is over when the command is answered, also with IMMED: nobody ever sees it in progress.
    pub never_in_progress: bool,
    /// It is in progress, ends as if it were done, and every byte is still there.
    pub keeps_data: bool,
    /// It reaches places with an address and leaves the others, as a host's overwrite does.
    pub keeps_unaddressed: bool,
    /// A cryptographic erase takes a new key and keeps the old one.
    pub keeps_key: bool,
    /// An overwrite writes zeros whatever the pattern.
    pub ignores_pattern: bool,
    /// It ends in a thousandth of its time, having done as much.
    pub hurries: bool,
    /// Progress that it shows for ever (of 65,536): it never ends.
    pub stuck_at: Option<u16>,
    /// It ends half done, with 3/31/03.
    pub fails: bool,
    /// A power cycle makes it forget that it failed.
    pub forgets_failure: bool,
    /// After a block or cryptographic erase reads give 3/11/00 until written, whatever page B1h says.
    pub reads_fail_after_erase: bool,
    /// Lies of FORMAT UNIT.
    pub format: FormatLies,
}

/// Lies of FORMAT UNIT; by default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatLies {
    /// It is in progress, ends with the new length, and every byte is still there: of cells that are
    /// longer than the new block no write reaches the rest.
    pub keeps_data: bool,
    /// It formats and leaves the length of a block as it was.
    pub keeps_length: bool,
    /// It ends with so many blocks, and says that there are no more.
    pub shrinks_to: Option<u64>,
    /// It is over when it is answered, with the new length, and goes over the medium at the end of its
    /// time: what was written meanwhile is lost.
    pub is_early: bool,
    /// REQUEST SENSE tells nothing of it while it runs; other commands do.
    pub is_silent: bool,
    /// Progress that it shows for ever (of 65,536): it never ends.
    pub stuck_at: Option<u16>,
    /// It ends half done, with 3/31/01.
    pub fails: bool,
}

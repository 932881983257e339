//! What a disk may do behind what it says: the firmware that an erasure has to be proven against.

/// Lies of a disk's erasures; by default none. They are of sanitize operations, not of FORMAT UNIT.
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
}

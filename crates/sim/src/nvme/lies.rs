//! What a drive says or does that is not true. Each is a trap that real drives or their failures
//! have set; the number in brackets is that of the list of traps that give a false "clean".

/// All off by default.
#[derive(Clone, Debug, Default)]
pub struct Lies {
    /// \[1\] Sanitize commands that start something are answered with success and nothing happens:
    /// the log stays that of [`earlier_sanitize`](super::options::Options::earlier_sanitize).
    pub swallows_sanitize: bool,
    /// \[1\] The log names this dword 10, whatever command was given.
    pub command_dword_10: Option<u32>,
    /// \[1\] Global Data Erased is set after writes too.
    pub global_data_erased_always: bool,
    /// \[3\] A Format NVM of several namespaces erases the first one.
    pub format_erases_one_namespace: bool,
    /// \[10\] Sectors of zeros are not written: their addresses are deallocated.
    pub elides_zeros: bool,
    /// \[11\] Sanitize and Format NVM deallocate and erase nothing.
    pub only_deallocates: bool,
    /// \[11\] With no-deallocate asked for and not inhibited, the drive deallocates and says so
    /// (status 4).
    pub deallocates_all_the_same: bool,
    /// \[14\] Locked: reads bring zeros with success, writes are refused.
    pub locked_reads_zeros: bool,
    /// \[15, 16\] A crypto erase keeps the old key, or there is no encryption.
    pub crypto_erase_keeps_the_key: bool,
    /// \[17\] Sanitize and Format NVM leave this and report success.
    pub keeps: Option<Kept>,
    /// \[17\] In the Media Verification state reads bring zeros, whatever is on the medium.
    pub verification_shows_zeros: bool,
    /// \[17\] A sanitize operation that is to enter the Media Verification state ends without it, and
    /// deallocates.
    pub skips_verification: bool,
    /// \[19\] Exit Media Verification State is answered with success, and the drive stays in it.
    pub stays_in_verification: bool,
    /// \[18\] A sanitize operation is over at once, and nothing but the addresses is gone.
    pub sanitize_is_instant: bool,
    /// \[19\] A sanitize operation goes on for ever from this progress (of 65536) on.
    pub sanitize_sticks_at: Option<u16>,
    /// \[19\] So many sanitize operations fail at their end, before anything is erased. The log says
    /// so truly: status 3, with a progress of FFFFh as of one that ended well.
    pub sanitize_failures: u32,
    /// \[31\] This namespace is in no list and no structure, and takes no command.
    pub hides_namespace: Option<u32>,
    /// \[35\] Flush is answered and the volatile cache stays volatile.
    pub ignores_flush: bool,
    /// \[37\] Another drive in the same slot.
    pub becomes: Option<Becomes>,
    /// \[43\] Writes are answered with success and change nothing.
    pub ignores_writes: bool,
    /// \[46\] Format NVM is answered before it is done; it goes on for its duration, and a power loss
    /// ends it undone.
    pub format_answers_early: bool,
    /// \[47\] A power loss ends a sanitize operation: the log says success, nothing was erased.
    pub power_loss_ends_sanitize: bool,
    /// \[52\] The critical warning of the SMART log has these bits too after an erasure.
    pub critical_warning_after_erasure: u8,
    /// Admin commands of this opcode are neither carried out nor answered. No lie.
    pub never_answers: Option<u8>,
    /// Sanitize commands that are to enter the Media Verification state are refused with this status. No
    /// lie.
    pub refuses_verification: Option<u16>,
    /// Sanitize commands that start something are refused with this status, for example 286h
    /// (access denied, by a TCG lock) or 123h (a persistent memory region is enabled). No lie.
    pub refuses_sanitize: Option<u16>,
}

/// What an erasure leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Everything; the addresses read as before.
    All,
    /// The places that no address points to.
    Spares,
    /// This namespace.
    Namespace(u32),
}

/// Another drive from some command on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Becomes {
    /// After so many admin and I/O commands.
    pub after_commands: u64,
    /// Its serial; EUI64 and NGUID differ too.
    pub serial: String,
}

//! The Sanitize command, its state machine and its log (base specification 2.1, sections 5.1.22,
//! 5.1.12.1.33 and 8.1.24). Purge Required and Purged are of later revisions.
//!
//! Media are erased at the end of processing, at once: what fails, sticks or is cut before has
//! erased nothing. Whoever claims something early is wrong here.

use super::events;
use super::lies::Lies;
use super::namespace::Erasure;
use super::options::{Durations, Options};
use super::self_test::Ending;
use super::status;
use super::{Entry, NvmeDrive, Reply, put};
use std::time::Duration;

const EXIT_FAILURE: u8 = 1;
const BLOCK_ERASE: u8 = 2;
const OVERWRITE: u8 = 3;
const CRYPTO_ERASE: u8 = 4;
const EXIT_VERIFICATION: u8 = 5;

/// The state, with the number that the log gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle = 0,
    RestrictedProcessing = 1,
    RestrictedFailure = 2,
    UnrestrictedProcessing = 3,
    UnrestrictedFailure = 4,
    MediaVerification = 5,
    Deallocation = 6,
}

/// How the most recent operation stands, with the number that the log gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Never = 0,
    Done = 1,
    InProgress = 2,
    Failed = 3,
    DoneButDeallocated = 4,
}

/// Command dword 10.
#[derive(Clone, Copy)]
struct Command(u32);

/// The most recent sanitize operation.
pub struct Sanitize {
    state: State,
    failed_in: u8,
    outcome: Outcome,
    command: Command,
    pattern: u32,
    passes_done: u32,
    /// Time that was spent in this state.
    done: Duration,
    global_data_erased: bool,
    purged: bool,
    verification_canceled: bool,
    failures_left: u32,
}

impl Command {
    fn action(self) -> u8 {
        self.0.to_le_bytes()[0] & 7
    }

    fn has(self, bit: u32) -> bool {
        self.0 >> bit & 1 == 1
    }

    fn is_unrestricted(self) -> bool {
        self.has(3)
    }

    fn passes(self) -> u32 {
        match self.0 >> 4 & 0xF {
            0 => 16,
            passes => passes,
        }
    }

    fn keeps_allocation(self) -> bool {
        self.has(9)
    }

    fn wants_verification(self) -> bool {
        self.has(10)
    }

    fn wants_purge(self) -> bool {
        self.has(11)
    }

    fn duration(self, durations: &Durations) -> Duration {
        match self.action() {
            BLOCK_ERASE => durations.block_erase,
            OVERWRITE => durations.overwrite_pass * self.passes(),
            _ => durations.crypto_erase,
        }
    }
}

impl Sanitize {
    pub fn new(options: &Options) -> Self {
        Self {
            state: State::Idle,
            failed_in: 0,
            outcome: match options.earlier_sanitize {
                Some(_) => Outcome::Done,
                None => Outcome::Never,
            },
            command: Command(options.earlier_sanitize.unwrap_or(0)),
            pattern: 0,
            passes_done: 0,
            done: Duration::ZERO,
            global_data_erased: true,
            purged: false,
            verification_canceled: false,
            failures_left: options.lies.sanitize_failures,
        }
    }
}

impl NvmeDrive {
    pub(super) fn supports_sanitize(&self) -> bool {
        let switches = &self.options.switches;
        switches.sanitize_block_erase
            || switches.sanitize_overwrite
            || switches.sanitize_crypto_erase
    }

    /// What commands that sanitize does not allow are refused with, if there is a reason to.
    pub(super) fn sanitize_refusal(&self) -> Option<u16> {
        match self.sanitize.state {
            State::Idle => None,
            State::RestrictedFailure | State::UnrestrictedFailure => Some(status::SANITIZE_FAILED),
            State::RestrictedProcessing
            | State::UnrestrictedProcessing
            | State::MediaVerification
            | State::Deallocation => Some(status::SANITIZE_IN_PROGRESS),
        }
    }

    pub(super) fn is_in_media_verification(&self) -> bool {
        self.sanitize.state == State::MediaVerification
    }

    pub(super) fn data_was_written(&mut self) {
        self.sanitize.global_data_erased = false;
    }

    pub(super) fn sanitize_command(&mut self, entry: &Entry) -> Reply {
        if !self.supports_sanitize() {
            return Err(status::INVALID_OPCODE);
        }
        let command = Command(entry.dword(40));
        let starts = matches!(command.action(), BLOCK_ERASE | OVERWRITE | CRYPTO_ERASE);
        let exits_failure = command.action() == EXIT_FAILURE;
        match self.sanitize.state {
            State::RestrictedProcessing | State::UnrestrictedProcessing | State::Deallocation
                if command.action() != EXIT_VERIFICATION =>
            {
                return Err(status::SANITIZE_IN_PROGRESS);
            }
            State::MediaVerification if command.action() == EXIT_VERIFICATION => {
                if !self.options.lies.stays_in_verification {
                    self.begin_deallocation();
                }
            }
            State::RestrictedFailure if exits_failure || starts && command.is_unrestricted() => {
                return Err(status::SANITIZE_FAILED);
            }
            State::UnrestrictedFailure if exits_failure => self.sanitize.state = State::Idle,
            State::Idle if exits_failure => {}
            State::Idle | State::RestrictedFailure | State::UnrestrictedFailure if starts => {
                self.check_sanitize(command)?;
                self.start_sanitize(command, entry.dword(44));
            }
            State::Idle
            | State::RestrictedProcessing
            | State::RestrictedFailure
            | State::UnrestrictedProcessing
            | State::UnrestrictedFailure
            | State::MediaVerification
            | State::Deallocation => return Err(status::INVALID_FIELD),
        }
        Ok((0, Vec::new()))
    }

    fn check_sanitize(&self, command: Command) -> Result<(), u16> {
        let switches = &self.options.switches;
        let is_supported = match command.action() {
            BLOCK_ERASE => switches.sanitize_block_erase,
            OVERWRITE => switches.sanitize_overwrite,
            _ => switches.sanitize_crypto_erase,
        };
        // Verification is of media that are deallocated after it, and have been erased as such.
        let is_verifiable = switches.sanitize_verification
            && command.action() != OVERWRITE
            && !command.keeps_allocation();
        let is_inhibited = command.keeps_allocation()
            && switches.no_deallocate_inhibited
            && !self.no_deallocate_only_warns();
        if !is_supported
            || command.wants_verification() && !is_verifiable
            || command.wants_purge() && !switches.sanitize_purge
            || is_inhibited
        {
            return Err(status::INVALID_FIELD);
        }
        if self.any_write_protected() {
            return Err(status::WRITE_PROTECTED);
        }
        let lies = &self.options.lies;
        let of_verification = lies
            .refuses_verification
            .filter(|_| command.wants_verification());
        match of_verification.or(lies.refuses_sanitize) {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }

    fn start_sanitize(&mut self, command: Command, pattern: u32) {
        if self.options.lies.swallows_sanitize {
            return;
        }
        self.end_self_test(Ending::AbortedBySanitize);
        let sanitize = &mut self.sanitize;
        sanitize.state = if command.is_unrestricted() {
            State::UnrestrictedProcessing
        } else {
            State::RestrictedProcessing
        };
        sanitize.outcome = Outcome::InProgress;
        sanitize.command = command;
        sanitize.pattern = pattern;
        sanitize.passes_done = 0;
        sanitize.done = Duration::ZERO;
        sanitize.purged = false;
        sanitize.verification_canceled = false;
        sanitize.failed_in = 0;
        let mut body = [0; 12];
        put(&mut body, 4, &command.0.to_le_bytes());
        put(&mut body, 8, &pattern.to_le_bytes());
        self.record(events::SANITIZE_STARTED, &body);
        self.advance_sanitize(Duration::ZERO);
    }

    pub(super) fn advance_sanitize(&mut self, by: Duration) {
        self.sanitize.done = self.sanitize.done.saturating_add(by);
        let done = self.sanitize.done;
        match self.sanitize.state {
            State::RestrictedProcessing | State::UnrestrictedProcessing => {
                let command = self.sanitize.command;
                if command.action() == OVERWRITE {
                    let pass = self.options.durations.overwrite_pass.as_nanos().max(1);
                    let passes = u32::try_from(done.as_nanos() / pass).unwrap_or(u32::MAX);
                    self.sanitize.passes_done = passes.min(command.passes());
                }
                let is_stuck = self.options.lies.sanitize_sticks_at.is_some();
                if !is_stuck && done >= self.processing_time() {
                    self.end_processing();
                }
            }
            State::Deallocation if done >= self.options.durations.deallocation => {
                self.end_deallocation();
            }
            State::Idle
            | State::RestrictedFailure
            | State::UnrestrictedFailure
            | State::MediaVerification
            | State::Deallocation => {}
        }
    }

    fn processing_time(&self) -> Duration {
        if self.options.lies.sanitize_is_instant {
            return Duration::ZERO;
        }
        self.sanitize.command.duration(&self.options.durations)
    }

    fn end_processing(&mut self) {
        let sanitize = &mut self.sanitize;
        if sanitize.failures_left > 0 {
            sanitize.failures_left -= 1;
            sanitize.failed_in = sanitize.state as u8;
            sanitize.outcome = Outcome::Failed;
            sanitize.state = if sanitize.command.is_unrestricted() {
                State::UnrestrictedFailure
            } else {
                State::RestrictedFailure
            };
            self.record_sanitize_end();
            return;
        }
        self.erase_everything();
        let command = self.sanitize.command;
        self.sanitize.global_data_erased = true;
        self.sanitize.purged = command.wants_purge();
        if command.action() == OVERWRITE {
            self.sanitize.passes_done = command.passes();
        }
        self.warning |= self.options.lies.critical_warning_after_erasure;
        let skips = self.options.lies.skips_verification || self.sanitize.verification_canceled;
        if command.wants_verification() && !skips {
            self.sanitize.state = State::MediaVerification;
            self.record(events::MEDIA_VERIFICATION, &[]);
            return;
        }
        let stays = command.keeps_allocation()
            && !self.options.switches.no_deallocate_inhibited
            && !self.options.lies.deallocates_all_the_same;
        if !stays {
            self.deallocate_everything();
        }
        let outcome = if command.keeps_allocation() && !stays {
            Outcome::DoneButDeallocated
        } else {
            Outcome::Done
        };
        self.end_sanitize(outcome);
    }

    /// All namespaces, attached or not, what was deleted, and the places behind them.
    fn erase_everything(&mut self) {
        let command = self.sanitize.command;
        let switches = self.options.switches;
        let is_rewritten = command.keeps_allocation() && switches.no_deallocate_modifies == 2;
        let erasure = match command.action() {
            BLOCK_ERASE if is_rewritten => Erasure::Blocks(0),
            BLOCK_ERASE => Erasure::Blocks(switches.erased_byte),
            // However many passes are inverted, the last one is the pattern itself.
            OVERWRITE => Erasure::Pattern(self.sanitize.pattern.to_le_bytes()),
            _ => Erasure::Key,
        };
        let lies = Lies {
            only_deallocates: self.options.lies.only_deallocates
                || self.options.lies.sanitize_is_instant,
            ..self.options.lies.clone()
        };
        let is_unreadable = command.action() == BLOCK_ERASE
            && !is_rewritten
            && switches.erased_blocks_are_unreadable;
        for namespace in self.namespaces.iter_mut().chain(&mut self.deleted) {
            namespace.erase(erasure, &lies);
            if is_unreadable {
                namespace.make_unreadable();
            }
        }
    }

    fn deallocate_everything(&mut self) {
        for namespace in self.namespaces.iter_mut().chain(&mut self.deleted) {
            namespace.deallocate_all(&self.options.lies);
        }
    }

    fn begin_deallocation(&mut self) {
        self.sanitize.state = State::Deallocation;
        self.sanitize.done = Duration::ZERO;
        self.advance_sanitize(Duration::ZERO);
    }

    fn end_deallocation(&mut self) {
        self.deallocate_everything();
        self.end_sanitize(Outcome::Done);
    }

    fn end_sanitize(&mut self, outcome: Outcome) {
        self.sanitize.state = State::Idle;
        self.sanitize.outcome = outcome;
        self.record_sanitize_end();
    }

    fn record_sanitize_end(&mut self) {
        let log = self.sanitize_log();
        let mut body = [0; 8];
        put(&mut body, 0, &log[..4]);
        self.record(events::SANITIZE_ENDED, &body);
    }

    /// The subsystem comes up again: processing goes on, verification does not.
    pub(super) fn power_on_sanitize(&mut self) {
        let sanitize = &mut self.sanitize;
        match sanitize.state {
            State::RestrictedProcessing | State::UnrestrictedProcessing => {
                if self.options.lies.power_loss_ends_sanitize {
                    sanitize.global_data_erased = true;
                    self.end_sanitize(Outcome::Done);
                } else {
                    sanitize.verification_canceled = sanitize.command.wants_verification();
                }
            }
            State::MediaVerification => {
                sanitize.verification_canceled = true;
                self.begin_deallocation();
            }
            State::Idle
            | State::RestrictedFailure
            | State::UnrestrictedFailure
            | State::Deallocation => {}
        }
    }

    /// Log 81h, 512 bytes.
    pub(super) fn sanitize_log(&self) -> Vec<u8> {
        let sanitize = &self.sanitize;
        let durations = &self.options.durations;
        let switches = &self.options.switches;
        let lies = &self.options.lies;
        let mut log = vec![0; 512];
        put(&mut log, 0, &self.progress().to_le_bytes());
        let erased = sanitize.global_data_erased || lies.global_data_erased_always;
        let status = sanitize.outcome as u32
            | sanitize.passes_done << 3
            | u32::from(erased) << 8
            | u32::from(sanitize.verification_canceled) << 9
            | u32::from(sanitize.purged) << 11;
        put(&mut log, 2, &status.to_le_bytes()[..2]);
        let command = lies.command_dword_10.unwrap_or(sanitize.command.0);
        put(&mut log, 4, &command.to_le_bytes());
        let estimates = [
            // Of sixteen passes.
            (switches.sanitize_overwrite, durations.overwrite_pass * 16),
            (switches.sanitize_block_erase, durations.block_erase),
            (switches.sanitize_crypto_erase, durations.crypto_erase),
        ];
        for (index, (is_supported, duration)) in estimates.into_iter().enumerate() {
            let seconds = if is_supported {
                u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
            } else {
                u32::MAX
            };
            put(&mut log, 8 + 4 * index, &seconds.to_le_bytes());
            // With the writing that follows a block erase without deallocation, if there is one.
            let with_writing = match switches.no_deallocate_modifies {
                2 => seconds,
                _ => u32::MAX,
            };
            put(&mut log, 20 + 4 * index, &with_writing.to_le_bytes());
        }
        if switches.sanitize_verification {
            let seconds = u32::try_from(durations.deallocation.as_secs()).unwrap_or(u32::MAX);
            put(&mut log, 32, &seconds.to_le_bytes());
            log[36] = sanitize.state as u8 | sanitize.failed_in << 4;
        }
        log
    }

    /// Of 65536, FFFFh where nothing is being done.
    fn progress(&self) -> u16 {
        let total = match self.sanitize.state {
            State::RestrictedProcessing | State::UnrestrictedProcessing => self.processing_time(),
            State::Deallocation => self.options.durations.deallocation,
            State::Idle
            | State::RestrictedFailure
            | State::UnrestrictedFailure
            | State::MediaVerification => return 0xFFFF,
        };
        let part = self.sanitize.done.as_nanos() * 65536 / total.as_nanos().max(1);
        let part = u16::try_from(part).unwrap_or(0xFFFF);
        let stuck = self.options.lies.sanitize_sticks_at.unwrap_or(0xFFFF);
        part.min(stuck)
    }
}

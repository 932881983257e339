//! One drive's run as a state machine: whole steps in order, nothing in it waits.
//!
//! A data thread calls [`Lane::pump`] to send requests, [`Lane::receive`] with what came back and
//! [`Lane::poll`] now and then; calls that block are made on threads of their own. What the run
//! amounts to is not decided here but in [`crate::verify`].

mod sanitize;
mod steps;

use crate::call::{Answer as CallAnswer, Call};
use crate::checkpoint::Checkpoints;
use crate::depth::Depth;
use crate::flush::Flushes;
use crate::job::Work;
use crate::ledger::Mark;
use crate::movement::{Answer, Direction, Movement};
use crate::options::{Flow, Options};
use crate::outcome::{
    ByteRange, IdentityCheck, JournalRecord, PassRecord, SanitizeRecord, Shortfall,
};
use crate::progress::{self, Phase};
use crate::sweep::Piece;
use crate::target::Target;
use drive::identity::IdentityLost;
use sanitize::Sanitizing;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use sys::aligned::AlignedBuffer;
use sys::queue::{Op, Queue, Submission};

/// While errors come, the drive's presence is asked at most so often.
const PRESENCE_EVERY: Duration = Duration::from_secs(1);

/// What happened to one drive, before any conclusion.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) own_erases: Vec<SanitizeRecord>,
    pub(crate) passes: Vec<PassRecord>,
    pub(crate) identity_checks: Vec<IdentityCheck>,
    /// How the ledger was kept, if the job had one.
    pub(crate) journal: Option<JournalRecord>,
    /// What ended the run early or spoiled it, beside what the records say.
    pub(crate) stops: Vec<Shortfall>,
    /// When the first write was sent, if one was.
    pub(crate) first_write: Option<SystemTime>,
    pub(crate) begun: SystemTime,
    pub(crate) ended: SystemTime,
}

enum Stage {
    Idle,
    Asking(&'static str, Call<Result<String, IdentityLost>>),
    /// The drive erases itself.
    Sanitizing(Box<Sanitizing>),
    Flushing(usize, Call<Result<(), String>>),
    Moving(Box<Movement>),
    /// A phase with errors is over: is the drive still there?
    Settling(Call<bool>),
    /// The ledger is being closed.
    Closing(Call<io::Result<()>>),
    Over,
}

/// One drive on a data thread.
pub(crate) struct Lane {
    work: Work,
    options: Arc<Options>,
    flow: Flow,
    stage: Stage,
    run: Run,
    flushes: Arc<Flushes>,
    checkpoints: Checkpoints,
    /// What each request in flight carries and when it was sent, by the low half of its token.
    slots: Vec<Option<(Piece, Instant)>>,
    buffers: Vec<AlignedBuffer>,
    in_flight: usize,
    depth: Depth,
    /// Last completion, or when the first request after a pause was sent.
    quiet_since: Instant,
    presence: Option<Call<bool>>,
    presence_asked: Option<Instant>,
    interrupted: Option<Instant>,
    /// Bytes and errors of the current phase that the progress already shows.
    shown: (u64, u64),
}

impl Lane {
    /// A drive about to begin, with `flow.depth` buffers of `flow.request_bytes`.
    pub(crate) fn new(
        work: Work,
        options: Arc<Options>,
        flow: Flow,
        buffers: Vec<AlignedBuffer>,
        now: Instant,
    ) -> Self {
        let wall = SystemTime::now();
        let run = Run {
            own_erases: Vec::new(),
            passes: Vec::new(),
            identity_checks: Vec::new(),
            journal: None,
            stops: Vec::new(),
            first_write: None,
            begun: wall,
            ended: wall,
        };
        let slots = vec![None; buffers.len()];
        let depth = Depth::new(buffers.len());
        let flushes = Arc::new(Flushes::new(Arc::clone(&work.control)));
        let checkpoints = Checkpoints::new(work.journal.clone(), Arc::clone(&options), now);
        Self {
            work,
            options,
            flow,
            stage: Stage::Idle,
            run,
            flushes,
            checkpoints,
            slots,
            buffers,
            in_flight: 0,
            depth,
            quiet_since: now,
            presence: None,
            presence_asked: None,
            interrupted: None,
            shown: (0, 0),
        }
    }

    /// Sends one request, if there is one to send and a buffer for it. `token_base` names the lane
    /// in the token's high half.
    pub(crate) fn pump(&mut self, queue: &mut dyn Queue, token_base: u64, now: Instant) -> bool {
        let Stage::Moving(movement) = &mut self.stage else {
            return false;
        };
        if self.buffers.is_empty() || self.in_flight >= self.depth.allowed() {
            return false;
        }
        let (Some(slot), Some(piece)) = (
            self.slots.iter().position(Option::is_none),
            movement.sweep.next(),
        ) else {
            return false;
        };
        let Some(mut buffer) = self.buffers.pop() else {
            return false;
        };
        let length = piece.length as usize;
        movement.prepare(piece, &mut buffer[..length]);
        let op = match movement.direction {
            Direction::Write => Op::Write,
            Direction::Read => Op::Read,
        };
        if op == Op::Write && self.run.first_write.is_none() {
            self.run.first_write = Some(SystemTime::now());
        }
        let submission = Submission {
            op,
            file: Arc::clone(&self.work.target.file),
            offset_bytes: piece.start,
            start: 0,
            length_bytes: length,
            buffer,
            token: token_base | slot as u64,
        };
        match queue.submit(submission) {
            Ok(()) => {
                // Not `now`: generating the bytes is no time of the drive's.
                self.slots[slot] = Some((piece, queue.now()));
                if self.in_flight == 0 {
                    self.quiet_since = now;
                }
                self.in_flight += 1;
                true
            }
            Err((error, submission)) => {
                let buffer = submission.buffer;
                movement.receive(piece, &buffer, Err(error), now);
                self.buffers.push(buffer);
                false
            }
        }
    }

    /// Takes one completion of this lane.
    pub(crate) fn receive(
        &mut self,
        slot: usize,
        buffer: AlignedBuffer,
        result: io::Result<usize>,
        now: Instant,
    ) {
        self.in_flight -= 1;
        self.quiet_since = now;
        let sent = self.slots.get_mut(slot).and_then(Option::take);
        if let (Stage::Moving(movement), Some((piece, sent))) = (&mut self.stage, sent) {
            let moved = *result.as_ref().unwrap_or(&0) as u64;
            self.depth.answered(moved, now);
            match movement.receive(piece, &buffer, result, now) {
                Answer::Moved => {}
                Answer::Failed => self.ask_presence(now),
                Answer::Gone => self.stop(Shortfall::Vanished, now),
            }
            self.show(Some(now.saturating_duration_since(sent)), now);
        }
        self.buffers.push(buffer);
    }

    /// Looks at calls and clocks, and goes on to the next step where one is over.
    pub(crate) fn poll(&mut self, now: Instant) {
        self.poll_presence(now);
        if let Some(error) = self.checkpoints.poll(now) {
            self.flush_failed(error);
        }
        match &self.stage {
            Stage::Idle => self.next_step(now),
            Stage::Asking(moment, call) => {
                let (moment, answer, bound) = (*moment, call.poll(now), call.bound());
                match answer {
                    CallAnswer::Pending => {}
                    CallAnswer::Ready(found) => self.identified(moment, found, now),
                    CallAnswer::Overdue => self.stop(stalled(bound), now),
                    CallAnswer::Lost => {
                        let lost = IdentityLost::Silent("the question got no answer".into());
                        self.identified(moment, Err(lost), now)
                    }
                }
            }
            Stage::Flushing(pass, call) => {
                let (pass, answer, bound) = (*pass, call.poll(now), call.bound());
                match answer {
                    CallAnswer::Pending => {}
                    CallAnswer::Ready(result) => self.flushed(pass, result, now),
                    CallAnswer::Overdue => self.stop(stalled(bound), now),
                    CallAnswer::Lost => {
                        self.flushed(pass, Err("the call got no answer".into()), now)
                    }
                }
            }
            Stage::Settling(call) => {
                let (answer, bound) = (call.poll(now), call.bound());
                match answer {
                    CallAnswer::Pending => {}
                    CallAnswer::Ready(true) => self.stage = Stage::Idle,
                    CallAnswer::Ready(false) | CallAnswer::Lost => {
                        self.stop(Shortfall::Vanished, now)
                    }
                    CallAnswer::Overdue => self.stop(stalled(bound), now),
                }
            }
            Stage::Closing(call) => {
                let (answer, bound) = (call.poll(now), call.bound().as_secs());
                match answer {
                    CallAnswer::Pending => {}
                    CallAnswer::Ready(result) => self.closed(result),
                    CallAnswer::Overdue => {
                        let words = format!("no answer within {bound} s");
                        self.closed(Err(io::Error::other(words)))
                    }
                    CallAnswer::Lost => self.closed(Err(io::Error::other("no answer"))),
                }
            }
            Stage::Moving(_) => self.poll_movement(now),
            Stage::Sanitizing(_) => self.poll_sanitize(now),
            Stage::Over => {}
        }
        if matches!(self.stage, Stage::Idle) {
            self.next_step(now);
        }
        self.work.progress.set_silent(self.silent(now));
    }

    /// How long the drive has owed an answer.
    fn silent(&self, now: Instant) -> Duration {
        match &self.stage {
            Stage::Moving(_) if self.in_flight > 0 => now.duration_since(self.quiet_since),
            Stage::Asking(_, call) => call.age(now),
            Stage::Sanitizing(sanitizing) => sanitizing.silent(now),
            Stage::Flushing(_, call) => call.age(now),
            Stage::Settling(call) => call.age(now),
            // The ledger is not the drive's.
            Stage::Moving(_) | Stage::Idle | Stage::Closing(_) | Stage::Over => Duration::ZERO,
        }
    }

    /// The operator stops the run: nothing more is sent, what is in flight may end.
    pub(crate) fn interrupt(&mut self, now: Instant) {
        if self.interrupted.is_some() || self.is_over() {
            return;
        }
        self.interrupted = Some(now);
        match &mut self.stage {
            Stage::Moving(movement) => movement.sweep.halt(),
            Stage::Sanitizing(sanitizing) => sanitizing.stop(),
            Stage::Idle
            | Stage::Asking(..)
            | Stage::Flushing(..)
            | Stage::Settling(_)
            | Stage::Closing(_)
            | Stage::Over => {
                self.stop(Shortfall::Interrupted, now);
            }
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Age of the call that the lane waits for.
    pub(crate) fn waiting_for(&self, now: Instant) -> Option<Duration> {
        match &self.stage {
            Stage::Asking(_, call) => Some(call.age(now)),
            Stage::Flushing(_, call) => Some(call.age(now)),
            Stage::Settling(call) => Some(call.age(now)),
            Stage::Closing(call) => Some(call.age(now)),
            Stage::Sanitizing(sanitizing) => Some(sanitizing.silent(now)),
            Stage::Idle => Some(Duration::ZERO),
            Stage::Moving(_) | Stage::Over => self.presence.as_ref().map(|call| call.age(now)),
        }
    }

    /// What happened, and the buffers that are not in flight.
    pub(crate) fn into_run(self) -> (Run, Vec<AlignedBuffer>) {
        (self.run, self.buffers)
    }

    fn poll_movement(&mut self, now: Instant) {
        let Stage::Moving(movement) = &mut self.stage else {
            return;
        };
        if let Some(since) = self.interrupted {
            if self.in_flight == 0 || now.duration_since(since) >= self.options.drain_bound {
                self.stop(Shortfall::Interrupted, now);
            }
            return;
        }
        if self.in_flight > 0 && now.duration_since(self.quiet_since) >= self.options.stall_bound {
            let seconds = self.options.stall_bound.as_secs();
            self.stop(Shortfall::Stalled { seconds }, now);
            return;
        }
        let hopeless = |since| now.duration_since(since) >= self.options.hopeless_after;
        if movement.failing_since().is_some_and(hopeless) {
            movement.sweep.give_up();
        }
        let bound = self.options.stop_after_mismatches;
        let enough = bound.is_some_and(|bound| movement.mismatches() >= bound.max(1));
        if enough {
            movement.sweep.halt();
        }
        if !movement.sweep.is_over() {
            if (movement.direction, movement.pass) == (Direction::Write, 0) {
                let capacity = self.work.target.capacity_bytes;
                let mark = || Some(Mark::without(movement.sweep.unfinished()?, capacity));
                self.checkpoints.begin_if_due(&self.flushes, now, mark);
            }
            return;
        }
        let failed = movement.sweep.failures() > 0;
        let cut_short = enough && !movement.sweep.is_complete() && !movement.is_recall();
        // A recall that comes to nothing costs the drive's whole write, and not the drive.
        let given_up_at = match movement.is_recall() {
            true => None,
            false => movement.sweep.given_up_at(),
        };
        self.show(None, now);
        self.close_movement(now);
        if let Some(at) = given_up_at {
            self.run.stops.push(Shortfall::Other(format!(
                "given up at byte {at}: requests failed one after another and none succeeded between them"
            )));
            self.work.steps.clear();
        }
        if cut_short {
            let text = "the read-back was ended early: as many sectors differ as were to be found";
            self.run.stops.push(Shortfall::Other(text.into()));
            self.work.steps.clear();
        }
        self.presence = None;
        self.stage = if failed {
            Stage::Settling(self.presence_call(now))
        } else {
            Stage::Idle
        };
    }

    fn identified(&mut self, moment: &str, found: Result<String, IdentityLost>, now: Instant) {
        let confirmed = &self.work.identity;
        let same = found.as_ref() == Ok(confirmed);
        let check = IdentityCheck {
            moment: moment.into(),
            found: found.clone().map_err(|lost| lost.to_string()),
            same,
        };
        self.run.identity_checks.push(check);
        match found {
            Ok(_) if same => self.stage = Stage::Idle,
            Ok(found) | Err(IdentityLost::Another { found, .. }) => {
                let confirmed = confirmed.clone();
                self.stop(Shortfall::IdentityChanged { confirmed, found }, now);
            }
            Err(error @ (IdentityLost::Gone(_) | IdentityLost::Silent(_))) => {
                let label = &self.work.target.label;
                let text = format!("{label}: the identity was not confirmed ({moment}): {error}");
                self.run.stops.push(Shortfall::Other(text));
                // A drive that left says no more than that it does not answer.
                self.work.steps.clear();
                self.stage = Stage::Settling(self.presence_call(now));
            }
        }
    }

    fn flushed(&mut self, pass: usize, result: Result<(), String>, now: Instant) {
        match result {
            Ok(()) => {
                if let Some(record) = self.run.passes.get_mut(pass) {
                    record.flushed = true;
                    if pass == 0
                        && let Some(mark) = final_mark(record, &self.work.target)
                    {
                        self.checkpoints.record(mark, now);
                    }
                }
                self.stage = Stage::Idle;
            }
            Err(error) => {
                self.flush_failed(error);
                self.stage = Stage::Settling(self.presence_call(now));
            }
        }
    }

    /// What the drive lost nobody knows. The flushes after one that failed say the same.
    fn flush_failed(&mut self, error: String) {
        let failed = Shortfall::FlushFailed { error };
        if !self.run.stops.contains(&failed) {
            self.run.stops.push(failed);
        }
    }

    fn closed(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            let words = format!("the ledger was not closed: {error}");
            self.checkpoints.failed(words);
        }
        self.stage = Stage::Idle;
    }

    fn presence_call(&self, now: Instant) -> Call<bool> {
        let control = Arc::clone(&self.work.control);
        Call::start(self.options.question_bound, now, move || {
            control.is_present()
        })
    }

    fn ask_presence(&mut self, now: Instant) {
        let recent = |asked| now.duration_since(asked) < PRESENCE_EVERY;
        if self.presence.is_none() && !self.presence_asked.is_some_and(recent) {
            self.presence_asked = Some(now);
            self.presence = Some(self.presence_call(now));
        }
    }

    fn poll_presence(&mut self, now: Instant) {
        let Some(call) = &self.presence else { return };
        match call.poll(now) {
            CallAnswer::Pending => {}
            CallAnswer::Ready(false) => self.stop(Shortfall::Vanished, now),
            // An answer that does not come says nothing; the watchdog over the requests decides.
            CallAnswer::Ready(true) | CallAnswer::Overdue | CallAnswer::Lost => {
                self.presence = None
            }
        }
    }

    /// The error counter's unit is a failed request or a sector that differs.
    fn show(&mut self, answered: Option<Duration>, now: Instant) {
        let Stage::Moving(movement) = &self.stage else {
            return;
        };
        if movement.is_recall() {
            return;
        }
        let (bytes, errors) = (movement.sweep.accounted_bytes(), movement.errors());
        let (more_bytes, more_errors) = (bytes - self.shown.0, errors.saturating_sub(self.shown.1));
        self.work
            .progress
            .add(more_bytes, more_errors, answered, now);
        self.shown = (bytes, errors);
    }

    fn close_movement(&mut self, now: Instant) {
        if let Stage::Moving(movement) = std::mem::replace(&mut self.stage, Stage::Idle)
            && let Some(record) = self.run.passes.get_mut(movement.pass)
        {
            movement.record(record, now);
        }
    }

    fn stop(&mut self, reason: Shortfall, now: Instant) {
        self.close_movement(now);
        self.run.stops.push(reason);
        self.finish(now);
    }

    fn finish(&mut self, now: Instant) {
        self.run.ended = SystemTime::now();
        self.run.journal = self.checkpoints.summary();
        let shown = progress::Stage {
            phase: Phase::Done,
            pass_count: self.work.passes.len() as u32,
            ..progress::Stage::default()
        };
        self.work.progress.begin(shown, now);
        self.presence = None;
        self.stage = Stage::Over;
    }
}

fn stalled(bound: Duration) -> Shortfall {
    Shortfall::Stalled {
        seconds: bound.as_secs(),
    }
}

/// The mark of a pass that is written and flushed; `None` where its list of failures was cut.
fn final_mark(record: &PassRecord, target: &Target) -> Option<Mark> {
    let listed: u64 = record.write_errors.iter().map(ByteRange::len).sum();
    let failed = record.write_errors.clone();
    (listed == record.write_error_bytes).then(|| Mark::without(failed, target.capacity_bytes))
}

//! One drive's run as a state machine: whole steps in order, nothing in it waits.
//!
//! A data thread calls [`Lane::pump`] to send requests, [`Lane::receive`] with what came back and
//! [`Lane::poll`] now and then; calls that block are made on threads of their own. What the run
//! amounts to is not decided here but in [`crate::verify`].

use crate::call::{Answer as CallAnswer, Call};
use crate::job::{Step, Work};
use crate::movement::{Answer, Direction, Movement, Reach};
use crate::options::{Flow, Options};
use crate::outcome::{IdentityCheck, JournalRecord, PassRecord, Shortfall};
use crate::progress::{self, Phase, ToCome};
use crate::sample::{Samples, Share};
use crate::sweep::{Piece, Shape};
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
    Asking(&'static str, Call<Result<String, String>>),
    Flushing(usize, Call<io::Result<()>>),
    Moving(Box<Movement>),
    /// A phase with errors is over: is the drive still there?
    Settling(Call<bool>),
    Over,
}

/// One drive on a data thread.
pub(crate) struct Lane {
    work: Work,
    options: Arc<Options>,
    flow: Flow,
    stage: Stage,
    run: Run,
    /// What each request in flight carries and when it was sent, by the low half of its token.
    slots: Vec<Option<(Piece, Instant)>>,
    buffers: Vec<AlignedBuffer>,
    in_flight: usize,
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
            passes: Vec::new(),
            identity_checks: Vec::new(),
            journal: None,
            stops: Vec::new(),
            first_write: None,
            begun: wall,
            ended: wall,
        };
        let slots = vec![None; buffers.len()];
        Self {
            work,
            options,
            flow,
            stage: Stage::Idle,
            run,
            slots,
            buffers,
            in_flight: 0,
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
        if self.buffers.is_empty() {
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
        match &self.stage {
            Stage::Idle => self.next_step(now),
            Stage::Asking(moment, call) => {
                let (moment, answer, bound) = (*moment, call.poll(now), call.bound());
                match answer {
                    CallAnswer::Pending => {}
                    CallAnswer::Ready(found) => self.identified(moment, found, now),
                    CallAnswer::Overdue => self.stop(
                        Shortfall::Stalled {
                            seconds: bound.as_secs(),
                        },
                        now,
                    ),
                    CallAnswer::Lost => {
                        self.identified(moment, Err("the question got no answer".into()), now)
                    }
                }
            }
            Stage::Flushing(pass, call) => {
                let (pass, answer, bound) = (*pass, call.poll(now), call.bound());
                match answer {
                    CallAnswer::Pending => {}
                    CallAnswer::Ready(result) => {
                        self.flushed(pass, result.map_err(|error| error.to_string()), now)
                    }
                    CallAnswer::Overdue => self.stop(
                        Shortfall::Stalled {
                            seconds: bound.as_secs(),
                        },
                        now,
                    ),
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
                    CallAnswer::Overdue => self.stop(
                        Shortfall::Stalled {
                            seconds: bound.as_secs(),
                        },
                        now,
                    ),
                }
            }
            Stage::Moving(_) => self.poll_movement(now),
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
            Stage::Flushing(_, call) => call.age(now),
            Stage::Settling(call) => call.age(now),
            Stage::Moving(_) | Stage::Idle | Stage::Over => Duration::ZERO,
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
            Stage::Idle
            | Stage::Asking(..)
            | Stage::Flushing(..)
            | Stage::Settling(_)
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
            Stage::Idle => Some(Duration::ZERO),
            Stage::Moving(_) | Stage::Over => self.presence.as_ref().map(|call| call.age(now)),
        }
    }

    /// What happened, and the buffers that are not in flight.
    pub(crate) fn into_run(self) -> (Run, Vec<AlignedBuffer>) {
        (self.run, self.buffers)
    }

    fn next_step(&mut self, now: Instant) {
        let control = Arc::clone(&self.work.control);
        let bound = self.options.question_bound;
        match self.work.steps.pop_front() {
            None => self.finish(now),
            Some(Step::Identity(moment)) => {
                self.begin_phase(Phase::Settling, 0, now);
                let call = Call::start(bound, now, move || control.recheck_identity());
                self.stage = Stage::Asking(moment, call);
            }
            Some(Step::Flush(pass)) => {
                self.begin_phase(Phase::Settling, 0, now);
                let call = Call::start(self.options.flush_bound, now, move || control.flush());
                self.stage = Stage::Flushing(pass, call);
            }
            Some(Step::Write(pass)) => {
                self.open_record(pass);
                self.begin_phase(Phase::Writing, self.work.target.capacity_bytes, now);
                let whole = Reach::Whole(self.work.target.capacity_bytes);
                self.begin_movement(Direction::Write, pass, whole, now);
            }
            Some(Step::Verify(pass)) => {
                if self.run.passes.len() <= pass {
                    self.open_record(pass);
                }
                self.begin_phase(Phase::Verifying, self.work.target.capacity_bytes, now);
                let whole = Reach::Whole(self.work.target.capacity_bytes);
                self.begin_movement(Direction::Read, pass, whole, now);
            }
            Some(Step::Sample(pass, share)) => self.begin_sample(pass, share, now),
        }
    }

    fn open_record(&mut self, pass: usize) {
        let planned = &self.work.passes[pass];
        self.run.passes.push(PassRecord {
            kind: planned.kind,
            pass: planned.number,
            resumed: None,
            written_bytes: 0,
            write_errors: Vec::new(),
            write_error_bytes: 0,
            first_write_error: None,
            write_errors_seen: 0,
            flushed: false,
            write_seconds: 0.0,
            verify: None,
        });
    }

    fn begin_phase(&mut self, phase: Phase, bytes: u64, now: Instant) {
        let shown = progress::Stage {
            phase,
            pass_index: self.run.passes.len().saturating_sub(1) as u32,
            pass_count: self.work.passes.len() as u32,
            bytes_total: bytes,
            to_come: self.to_come(),
        };
        self.work.progress.begin(shown, now);
        self.shown = (0, 0);
    }

    fn to_come(&self) -> ToCome {
        let capacity = self.work.target.capacity_bytes;
        let mut to_come = ToCome::default();
        for step in &self.work.steps {
            match step {
                Step::Write(_) => to_come.write_bytes += capacity,
                Step::Verify(_) => to_come.read_bytes += capacity,
                Step::Sample(_, share) => {
                    let part = u128::from(capacity) * u128::from(share.percent()) / 100;
                    to_come.read_bytes += part as u64;
                }
                Step::Identity(_) | Step::Flush(_) => {}
            }
        }
        to_come
    }

    /// Draws the samples only here, where the pass is written and its flush was answered: nothing
    /// that writes can know what will be read.
    fn begin_sample(&mut self, pass: usize, share: Share, now: Instant) {
        let target = &self.work.target;
        match Samples::draw(share, target.capacity_bytes, target.logical_sector_bytes) {
            Ok(samples) => {
                self.begin_phase(Phase::Verifying, samples.bytes(), now);
                self.begin_movement(Direction::Read, pass, Reach::Samples(samples), now);
            }
            Err(error) => {
                let text = format!("{}: no samples were drawn: {error}", target.label);
                self.stop(Shortfall::Other(text), now);
            }
        }
    }

    fn begin_movement(&mut self, direction: Direction, pass: usize, reach: Reach, now: Instant) {
        let target = &self.work.target;
        let shape = Shape {
            logical_sector_bytes: target.logical_sector_bytes,
            physical_sector_bytes: target
                .physical_sector_bytes
                .max(target.logical_sector_bytes),
            request_bytes: self.flow.request_bytes,
            listed_ranges: self.options.listed_ranges,
            cut_until_sectors: self.options.cut_until_sectors,
            give_up_after_requests: self.options.hopeless_requests,
        };
        let content = self.work.passes[pass].content.clone();
        let movement = Movement::new(direction, pass, content, shape, reach, now);
        self.buffers
            .iter_mut()
            .for_each(|buffer| movement.prepare_first(buffer));
        self.stage = Stage::Moving(Box::new(movement));
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
        if !movement.sweep.is_over() {
            return;
        }
        let (failed, given_up_at) = (movement.sweep.failures() > 0, movement.sweep.given_up_at());
        self.show(None, now);
        self.close_movement(now);
        if let Some(at) = given_up_at {
            self.run.stops.push(Shortfall::Other(format!(
                "given up at byte {at}: requests failed one after another and none succeeded between them"
            )));
            self.work.steps.clear();
        }
        self.presence = None;
        self.stage = if failed {
            Stage::Settling(self.presence_call(now))
        } else {
            Stage::Idle
        };
    }

    fn identified(&mut self, moment: &str, found: Result<String, String>, now: Instant) {
        let confirmed = &self.work.identity;
        let same = found.as_ref() == Ok(confirmed);
        let check = IdentityCheck {
            moment: moment.into(),
            found: found.clone(),
            same,
        };
        self.run.identity_checks.push(check);
        match found {
            Ok(_) if same => self.stage = Stage::Idle,
            Ok(found) => {
                let confirmed = confirmed.clone();
                self.stop(Shortfall::IdentityChanged { confirmed, found }, now);
            }
            Err(error) => {
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
                }
                self.stage = Stage::Idle;
            }
            Err(error) => {
                self.run.stops.push(Shortfall::FlushFailed { error });
                self.stage = Stage::Settling(self.presence_call(now));
            }
        }
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

//! The beginning of each step of a run. How a step ends is in [`super`].

use super::{Lane, Stage};
use crate::call::Call;
use crate::depth::Depth;
use crate::job::Step;
use crate::ledger::Mark;
use crate::movement::{Direction, Movement, Reach};
use crate::outcome::{PassRecord, Recall, Resumed, Shortfall};
use crate::progress::{self, Phase, ToCome};
use crate::recall;
use crate::sample::{Samples, Share};
use crate::sweep::Shape;
use std::sync::Arc;
use std::time::Instant;

impl Lane {
    /// Begins the next step, or ends the run after the last one.
    pub(super) fn next_step(&mut self, now: Instant) {
        let control = Arc::clone(&self.work.control);
        let bound = self.options.question_bound;
        match self.work.steps.pop_front() {
            None => self.finish(now),
            Some(Step::Identity(moment)) => {
                self.begin_phase(Phase::Settling, 0, now);
                let call = Call::start(bound, now, move || control.recheck_identity());
                self.stage = Stage::Asking(moment, call);
            }
            Some(Step::Sanitize) => self.begin_sanitize(now),
            Some(Step::Flush(pass)) => {
                self.begin_phase(Phase::Settling, 0, now);
                let flushes = Arc::clone(&self.flushes);
                let call = Call::start(self.options.flush_bound, now, move || flushes.flush());
                self.stage = Stage::Flushing(pass, call);
            }
            Some(Step::Recall) => self.begin_recall(now),
            Some(Step::Write(pass)) => self.begin_write(pass, now),
            Some(Step::Close) => {
                let call = self.checkpoints.close(bound, now);
                self.stage = call.map_or(Stage::Idle, Stage::Closing);
            }
            Some(Step::Verify(pass)) => {
                self.open_record(pass);
                self.begin_phase(Phase::Verifying, self.work.target.capacity_bytes, now);
                let whole = Reach::Whole(self.work.target.capacity_bytes);
                self.begin_movement(Direction::Read, pass, whole, now);
            }
            Some(Step::Sample(pass, share)) => self.begin_sample(pass, share, now),
        }
    }

    /// Reads a little of what the mark says is written.
    fn begin_recall(&mut self, now: Instant) {
        let Some(mark) = &self.work.resume else {
            return;
        };
        let resumed = Resumed {
            mark_bytes: mark.mark_bytes,
            taken_over_bytes: 0,
            recall: Recall::default(),
        };
        match recall::pieces(mark, self.work.target.logical_sector_bytes) {
            Ok(pieces) => {
                self.open_record(0);
                self.run.passes[0].resumed = Some(resumed);
                // Seconds, of a write that has not begun.
                self.begin_phase(Phase::Settling, 0, now);
                self.begin_movement(Direction::Read, 0, Reach::Parts(pieces), now);
            }
            Err(error) => {
                let label = &self.work.target.label;
                let text = format!("{label}: the ledger could not be tried: {error}");
                self.stop(Shortfall::Other(text), now);
            }
        }
    }

    /// Writes the whole drive, or what a mark leaves to be written where the recall bears it out.
    fn begin_write(&mut self, pass: usize, now: Instant) {
        self.open_record(pass);
        let capacity_bytes = self.work.target.capacity_bytes;
        let resumed = self.run.passes[pass].resumed.as_mut();
        let mut left = Reach::Whole(capacity_bytes);
        match (resumed, self.work.resume.take()) {
            (Some(resumed), Some(mark)) if resumed.recall.is_equal() => {
                resumed.taken_over_bytes = mark.written_bytes();
                left = Reach::Parts(mark.left(capacity_bytes));
            }
            // Another cut before the next mark must not find this one again.
            (Some(_), Some(_)) => self.checkpoints.record(Mark::default(), now),
            (Some(_) | None, _) => {}
        }
        self.begin_phase(Phase::Writing, capacity_bytes, now);
        self.checkpoints.begin(now);
        self.begin_movement(Direction::Write, pass, left, now);
    }

    /// Of a pass that is not on record yet.
    fn open_record(&mut self, pass: usize) {
        if self.run.passes.len() > pass {
            return;
        }
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

    pub(super) fn begin_phase(&mut self, phase: Phase, bytes: u64, now: Instant) {
        let shown = progress::Stage {
            phase,
            pass_index: self.run.passes.len().saturating_sub(1) as u32,
            pass_count: self.work.passes.len() as u32,
            bytes_total: bytes,
            bytes_before: match phase {
                Phase::Writing => self.taken_over_bytes(),
                Phase::Waiting
                | Phase::Sanitizing
                | Phase::Settling
                | Phase::Verifying
                | Phase::Done => 0,
            },
            to_come: self.to_come(),
        };
        self.work.progress.begin(shown, now);
        self.shown = (0, 0);
    }

    /// Of the latest pass.
    fn taken_over_bytes(&self) -> u64 {
        let resumed = self
            .run
            .passes
            .last()
            .and_then(|pass| pass.resumed.as_ref());
        resumed.map_or(0, |resumed| resumed.taken_over_bytes)
    }

    fn to_come(&self) -> ToCome {
        let capacity = self.work.target.capacity_bytes;
        let written = self.work.resume.as_ref().map_or(0, Mark::written_bytes);
        let mut to_come = ToCome::default();
        for step in &self.work.steps {
            match step {
                Step::Write(0) => to_come.write_bytes += capacity - written,
                Step::Write(_) => to_come.write_bytes += capacity,
                Step::Verify(_) => to_come.read_bytes += capacity,
                Step::Sample(_, share) => {
                    let part = u128::from(capacity) * u128::from(share.percent()) / 100;
                    to_come.read_bytes += part as u64;
                }
                Step::Identity(_)
                | Step::Sanitize
                | Step::Recall
                | Step::Flush(_)
                | Step::Close => {}
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
        self.depth = Depth::new(self.flow.depth);
        self.stage = Stage::Moving(Box::new(movement));
    }
}

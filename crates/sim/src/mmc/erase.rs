//! CMD35, CMD36, CMD38 and SANITIZE_START: what they unmap, and what they remove. JESD84-B51 6.6.9 to
//! 6.6.13.
//!
//! An erase lets addresses point to nothing, and their bytes lie on where no read reaches them.
//! Sanitize removes what nothing points to; of what was only discarded it need not.

use super::{
    Area, ERASE_PARAMETER_ERROR, ERASE_SEQUENCE_ERROR, ERROR, MmcCard, PROTECTED_SKIPPED, Range,
    Work,
};
use crate::cells::Place;
use crate::device::MmcAnswer;
use std::collections::BTreeSet;
use std::time::Duration;

/// What CMD38 is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Action {
    /// Whole erase groups, not single sectors.
    groups: bool,
    /// Nobody promises that a sanitize removes it.
    discards: bool,
    /// The bytes are removed at once.
    secure: bool,
}

impl MmcCard {
    pub(super) fn range_of_erase(&mut self, index: u8, argument: u32) -> Option<MmcAnswer> {
        match index {
            35 => {
                self.range = Range {
                    first: Some(argument),
                    last: None,
                };
                Some(self.answer())
            }
            _ if self.range.first.is_none() => self.refused(ERASE_SEQUENCE_ERROR),
            _ => {
                self.range.last = Some(argument);
                Some(self.answer())
            }
        }
    }

    pub(super) fn erase(&mut self, argument: u32) -> Option<MmcAnswer> {
        let range = std::mem::take(&mut self.range);
        let (Some(first), Some(last)) = (range.first, range.last) else {
            return self.refused(ERASE_SEQUENCE_ERROR);
        };
        let features = self.options.features;
        let of = |groups, discards, secure| Action {
            groups,
            discards,
            secure,
        };
        let action = match argument {
            0x0000_0000 => of(true, false, false),
            0x0000_0001 if features.trim => of(false, false, false),
            0x0000_0003 if self.options.revision >= 6 => of(false, true, false),
            0x8000_0000 if features.secure => of(true, false, true),
            0x8000_8000 | 0x8000_0001 if features.secure && features.trim => of(false, false, true),
            _ => return self.refused(ERASE_PARAMETER_ERROR),
        };
        let area = self.area();
        let Some(space) = self.space(area) else {
            return self.refused(ERROR);
        };
        let end = u64::from(last) + 1;
        if first > last || end > space.cells.addresses() {
            return self.refused(ERASE_PARAMETER_ERROR);
        }
        let addresses = self.reached(u64::from(first)..end, action);
        let answer = self.answer();
        let skipped = self.unmap(area, addresses.clone(), action);
        if skipped {
            self.errors |= PROTECTED_SKIPPED;
        }
        let groups = (addresses.end - addresses.start).div_ceil(self.group_sectors());
        let groups = u32::try_from(groups).unwrap_or(u32::MAX);
        let never = self.options.lies.erase_never_ends;
        self.begin(self.options.erase_time * groups, never, false);
        Some(answer)
    }

    fn group_sectors(&self) -> u64 {
        match self.erase_group_def {
            0 => u64::from(self.options.low_capacity_group_sectors),
            _ => u64::from(self.options.group_sectors()),
        }
    }

    /// Of groups, each that either end lies in is erased whole.
    fn reached(&mut self, range: std::ops::Range<u64>, action: Action) -> std::ops::Range<u64> {
        if !action.groups {
            return range;
        }
        let group = self.group_sectors();
        let area = self.area();
        let all = self
            .space(area)
            .map_or(range.end, |space| space.cells.addresses());
        let end = match self.options.lies.erase_leaves_tail {
            true => all - all % group,
            false => all,
        };
        let first = range.start - range.start % group;
        first..range.end.next_multiple_of(group).min(end).max(first)
    }

    /// Lets addresses point to nothing. True when protected ones were left out.
    fn unmap(&mut self, area: Area, addresses: std::ops::Range<u64>, action: Action) -> bool {
        if self.options.lies.erase_ignored {
            return false;
        }
        let discards = action.discards || self.options.lies.erase_only_discards;
        let protected: BTreeSet<u64> = addresses
            .clone()
            .filter(|address| self.is_protected(area, *address))
            .collect();
        let erased = self.erased_byte();
        let Some(space) = self.space(area) else {
            return false;
        };
        let before = space.cells.spare_places();
        for address in addresses.filter(|address| !protected.contains(address)) {
            space.cells.deallocate(address);
        }
        let freed: BTreeSet<Place> = &space.cells.spare_places() - &before;
        if discards {
            space.discarded.extend(&freed);
        }
        if action.secure {
            // And the copies, which the model does not tell apart by their address.
            let places = space.cells.spare_places();
            space.cells.fill(&[erased], |place| places.contains(&place));
        }
        !protected.is_empty()
    }

    /// False: the card does not know the command.
    pub(super) fn begin_sanitize(&mut self) -> bool {
        let lies = &self.options.lies;
        if !self.options.features.sanitize || lies.sanitize_refused {
            return false;
        }
        if lies.sanitize_swallowed {
            return true;
        }
        let (never, keeps) = (lies.sanitize_never_ends, lies.sanitize_keeps);
        self.begin(self.options.sanitize_time, never, !keeps);
        true
    }

    fn begin(&mut self, takes: Duration, never: bool, sanitizes: bool) {
        let since = self.clock.now();
        self.work = Some(Work {
            since,
            until: (!never).then_some(since + takes),
            sanitizes,
        });
        self.settle();
    }

    /// Lets the time that went by have its effect.
    pub(super) fn settle(&mut self) {
        let now = self.clock.now();
        if let Some(work) = self.work
            && work.until.is_some_and(|until| now >= until)
        {
            self.work = None;
            if work.sanitizes {
                self.remove_unmapped(1.0);
            }
        }
    }

    /// What is under way ends here: a sanitize has done a part, and is not gone on with.
    pub(super) fn interrupt(&mut self) {
        let Some(work) = self.work.take() else {
            return;
        };
        if let (true, Some(until)) = (work.sanitizes, work.until) {
            let whole = (until - work.since).as_secs_f64();
            let part = (self.clock.now() - work.since).as_secs_f64();
            self.remove_unmapped(part / whole.max(f64::MIN_POSITIVE));
        }
    }

    /// Removes what nothing points to, in the areas that sanitize is of: the user area and the general
    /// purpose ones.
    fn remove_unmapped(&mut self, part: f64) {
        let erased = self.erased_byte();
        for space in std::iter::once(&mut self.user).chain(&mut self.general) {
            let places: Vec<Place> = space
                .cells
                .spare_places()
                .difference(&space.discarded)
                .copied()
                .collect();
            let done = (places.len() as f64 * part) as usize;
            let done: BTreeSet<Place> = places.into_iter().take(done).collect();
            space.cells.fill(&[erased], |place| done.contains(&place));
        }
    }
}

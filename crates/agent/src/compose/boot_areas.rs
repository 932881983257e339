//! What became of an eMMC's boot areas, in the report.

use super::Run;
use drive::facts::Transport;
use drive::mmc::boot;
use report::schema::{BootArea, BootAreaState};
use wipe::native::Evidence;
use wipe::native::boot_area::{End, Record};
use wipe::plan::boot_area_left;

/// Of an eMMC: every boot area was looked at, and nothing stood in it. Other drives have none.
pub(super) fn are_blank(transport: Transport, evidence: &Evidence) -> bool {
    let areas = &evidence.boot_areas;
    transport != Transport::Mmc
        || (areas.len() == usize::from(boot::AREAS) && areas.iter().all(Record::is_blank))
}

/// The areas that keep what they hold, or may, for what is not reached. Where the plan sends no erase of the
/// card's own, the plan names them.
pub(super) fn left(run: &Run) -> impl Iterator<Item = String> {
    let areas = match run.plan.ladder.is_empty() {
        true => &[][..],
        false => &run.facts.boot_areas,
    };
    areas.iter().filter_map(|area| {
        let tried = records(run).find(|record| record.number() == area.number);
        let why = match tried.map(Record::end) {
            Some(End::Blank(_)) => return None,
            Some(End::Overwritten) => {
                "held data, and was overwritten and read back; worn and replaced cells of it are not reached"
            }
            Some(End::Left(why)) => why,
            None => "not looked at, since the card's own erase was not begun",
        };
        Some(boot_area_left(area.number, area.bytes, why))
    })
}

/// What else is to be said of them.
pub(super) fn remarks(run: &Run) -> impl Iterator<Item = String> {
    let of = |record: &Record| {
        let remark = record.remark()?;
        Some(format!(
            "; boot area {}: {remark}",
            boot::name(record.number())
        ))
    };
    records(run).filter_map(of)
}

fn records(run: &Run) -> impl Iterator<Item = &Record> {
    let tried = run.outcome.own_erases.iter();
    tried.flat_map(|record| &record.evidence.boot_areas)
}

/// One area.
pub(super) fn record(record: &Record) -> BootArea {
    let (state, verified_bytes, reason) = match record.end() {
        End::Blank(_) => (BootAreaState::Blank, record.bytes(), None),
        End::Overwritten => (BootAreaState::Overwritten, record.bytes(), None),
        End::Left(why) => (BootAreaState::Left, 0, Some(why.clone())),
    };
    BootArea {
        area: boot::name(record.number()),
        bytes: record.bytes(),
        state,
        verified_bytes,
        reason,
    }
}

#[cfg(test)]
pub(super) mod tests;

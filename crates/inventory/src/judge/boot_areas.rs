//! The boot areas of an eMMC, which its own erase does not reach.

use report::schema::{BootArea, BootAreaState, Drive, Sanitize};

/// Nothing stood in either of the two, to the last byte: an overwrite by the host is Clear. Drives of other
/// kinds have none.
pub(super) fn are_blank(drive: &Drive, sanitize: &Sanitize) -> bool {
    let is_blank = |area: &BootArea| {
        area.state == BootAreaState::Blank
            && area.reason.is_none()
            && area.bytes > 0
            && area.verified_bytes == area.bytes
    };
    let blank = |name: &str| {
        let mut areas = sanitize.boot_areas.iter();
        areas.any(|area| area.area == name && is_blank(area))
    };
    let all = sanitize.boot_areas.iter().all(is_blank);
    drive.transport != "mmc" || (all && blank("boot0") && blank("boot1"))
}

#[cfg(test)]
mod tests {
    use super::super::{Doubt, Finding, judge};
    use report::schema::{
        BootArea, BootAreaState, Drive, HiddenState, Level, Report, Sanitize, SanitizeTechnique,
        SanitizeVerdict, Witnesses,
    };

    const BYTES: u64 = 4 << 20;

    fn area(name: &str, state: BootAreaState) -> BootArea {
        BootArea {
            area: name.into(),
            bytes: BYTES,
            state,
            verified_bytes: BYTES,
            reason: None,
        }
    }

    /// A report that says "purge" of an eMMC, with a change to it.
    fn purged(change: impl FnOnce(&mut Drive, &mut Vec<BootArea>)) -> Finding {
        let sample = include_str!("../../../../docs/report-v1.sample.json");
        let mut report: Report = serde_json::from_str(sample).unwrap();
        let mut drive = report.drives.remove(0);
        let mut erasure = drive.erasure.take().unwrap();
        let mut sanitize = Sanitize {
            technique: SanitizeTechnique::BlockErase,
            verdict: SanitizeVerdict::ClaimedByDrive,
            reasons: Vec::new(),
            status_before: "idle".into(),
            status_after: Some("done".into()),
            in_progress_seen: 0,
            seconds: 60.0,
            witnesses: Witnesses {
                planted: 64,
                found: 10,
                kept: 0,
                gone: 74,
                unreadable: 0,
            },
            media_verification: None,
            boot_areas: vec![
                area("boot0", BootAreaState::Blank),
                area("boot1", BootAreaState::Blank),
            ],
        };
        drive.transport = "mmc".into();
        drive.hidden_capacity.state = HiddenState::None;
        change(&mut drive, &mut sanitize.boot_areas);
        erasure.achieved_level = Level::Purge;
        erasure.own_erases = vec![sanitize];
        let check = erasure.identity_checks[0].clone();
        erasure.identity_checks.push(check);
        drive.erasure = Some(erasure);
        judge(&drive)
    }

    #[test]
    fn purge_of_an_emmc_needs_both_boot_areas_blank_to_the_last_byte() {
        assert_eq!(purged(|_, _| ()), Finding::Verified);
        type Change = fn(&mut Vec<BootArea>);
        let changes: [Change; 10] = [
            Vec::clear,
            |areas| areas[1].state = BootAreaState::Overwritten,
            |areas| areas.truncate(1),
            |areas| areas[1].area = "boot0".into(),
            |areas| areas[0].state = BootAreaState::Left,
            |areas| areas[1].verified_bytes -= 1,
            |areas| areas[1].verified_bytes += 1,
            |areas| (areas[0].bytes, areas[0].verified_bytes) = (0, 0),
            |areas| areas[1].reason = Some("the computer boots from it".into()),
            // A third one is nobody's, and keeps data.
            |areas| areas.push(area("boot2", BootAreaState::Left)),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let found = purged(|_, areas| change(areas));
            let level = Finding::Contradiction(vec![Doubt::Level]);
            assert_eq!(found, level, "change {number}");
        }
        // Other drives have no boot areas.
        let other = purged(|drive, areas| {
            drive.transport = "nvme".into();
            areas.clear();
        });
        assert_eq!(other, Finding::Verified);
    }
}

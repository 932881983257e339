//! What TCG locking means for a plan. Whether a locked drive may be erased at all is not decided here:
//! `drive::refusal` refuses it, and nothing but a revert with the drive's PSID is left.

use drive::facts::Tcg;

/// Why an overwrite would not be of the whole drive, if so.
pub fn hides(tcg: &Tcg) -> Option<&'static str> {
    let Tcg::Told(told) = tcg else {
        return None;
    };
    told.locking.filter(drive::tcg::Locking::hides_medium).map(|_| {
        "TCG locking stands between this overwrite and the medium: below Clear, which is of the whole drive"
    })
}

/// What a person who wants the drive's owner gone has to know.
pub fn blocked(tcg: &Tcg) -> Option<&'static str> {
    let Tcg::Told(told) = tcg else {
        return None;
    };
    let is_in_use = told.locking.is_some_and(|locking| locking.enabled);
    let is_blocked = told.block_sid.is_some_and(|block| block.sid_blocked);
    (is_in_use && is_blocked).then_some(drive::tcg::SID_BLOCKED)
}

/// What stays unknown, or comes back when the power goes.
pub fn residual(tcg: &Tcg) -> Option<String> {
    match tcg {
        Tcg::Absent => None,
        Tcg::Told(told) => {
            let locking = told.locking.filter(|locking| locking.enabled)?;
            (!locking.hides_medium()).then(|| {
                "its TCG locking is in use, and open now: when its power goes it locks again, unless `raz revert` takes it away with the PSID from its label".into()
            })
        }
        Tcg::Unknown { reason } => Some(format!(
            "whether TCG locking hides part of it is unknown ({reason}): unknown is not clean"
        )),
    }
}

//! HPA, AMAC and device configuration of an ATA drive.

use super::{Look, TRIES, Talk};
use drive::ata::Identify;
use drive::ata::change::capacity::{
    Persistence, dco_restore, set_accessible_max_address_ext, set_max_address, set_max_address_ext,
};
use drive::ata::command::{
    PAGE_BYTES, dco_identify, get_native_max_address_ext, identify_device, read_native_max_address,
    read_native_max_address_ext,
};
use drive::ata::dco::DcoIdentify;
use drive::ata::registers::{NativeMax, RegisterReturn};
use drive::port::Data;

const RESTORE: &str = "DEVICE CONFIGURATION RESTORE";

/// A capacity with what it was made of.
pub(super) struct Seen {
    pub look: Look,
    way: Option<Way>,
    native: Option<u64>,
    configured: Option<u64>,
}

/// The commands by which this drive's limit is asked for and set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Accessible,
    Long,
    Short,
}

impl Way {
    fn of(identify: &Identify) -> Option<Self> {
        if identify.amac.supported == Some(true) {
            return Some(Self::Accessible);
        }
        let is_long = identify.lba48.supported == Some(true);
        (identify.hpa.supported == Some(true)).then_some(match is_long {
            true => Self::Long,
            false => Self::Short,
        })
    }

    fn asks(self) -> &'static str {
        match self {
            Self::Accessible => "GET NATIVE MAX ADDRESS EXT",
            Self::Long => "READ NATIVE MAX ADDRESS EXT",
            Self::Short => "READ NATIVE MAX ADDRESS",
        }
    }

    fn sets(self) -> &'static str {
        match self {
            Self::Accessible => "SET ACCESSIBLE MAX ADDRESS EXT",
            Self::Long => "SET MAX ADDRESS EXT",
            Self::Short => "SET MAX ADDRESS",
        }
    }

    /// The last native LBA.
    fn native(self, talk: &mut Talk<'_>) -> Result<u64, String> {
        let cdb = match self {
            Self::Accessible => get_native_max_address_ext(),
            Self::Long => read_native_max_address_ext(),
            Self::Short => read_native_max_address(),
        };
        let reply = talk.send(self.asks(), &cdb, None)?;
        let registers = RegisterReturn::from_sense(&reply.sense);
        let native = match self {
            Self::Accessible | Self::Long => NativeMax::from_registers_48(&registers),
            Self::Short => NativeMax::from_registers_28(&registers),
        };
        match native {
            NativeMax::LastLba(last) => Ok(last),
            NativeMax::Aborted => Err(format!("{}: aborted by the drive", self.asks())),
            NativeMax::Unknown => Err(format!("{}: no registers came back", self.asks())),
        }
    }

    /// Sets the limit to the native one, for good. SET MAX must directly follow the question, so a
    /// reset that is told between the two begins both anew.
    fn set(self, talk: &mut Talk<'_>) -> Result<RegisterReturn, String> {
        for _ in 0..TRIES {
            let last = self.native(talk)?;
            let cdb = match self {
                Self::Accessible => set_accessible_max_address_ext(last),
                Self::Long => set_max_address_ext(last, Persistence::NonVolatile),
                Self::Short => set_max_address(last, Persistence::NonVolatile),
            };
            let cdb = cdb.ok_or_else(|| format!("{}: {last} does not fit", self.sets()))?;
            if let Some(reply) = talk.once(self.sets(), &cdb, Data::None)? {
                return Ok(RegisterReturn::from_sense(&reply.sense));
            }
        }
        Err(format!("{}: one reset after another", self.sets()))
    }
}

/// What the drive says of its capacity now.
pub(super) fn look(talk: &mut Talk<'_>) -> Result<Seen, String> {
    let page = talk.ask("IDENTIFY DEVICE", &identify_device(), PAGE_BYTES)?;
    let identify = Identify::parse(&page);
    // An answer has a number of sectors, too.
    if !identify.is_answer {
        return Err("IDENTIFY DEVICE: the answer is no drive's".into());
    }
    let mut unknown = Vec::new();
    let mut counted = |answer: Result<u64, String>| match answer {
        Ok(sectors) if sectors < identify.sectors => {
            unknown.push(format!("a native maximum of {sectors} sectors is too few"));
            None
        }
        Ok(sectors) => Some(sectors),
        Err(why) => {
            unknown.push(why);
            None
        }
    };
    let way = Way::of(&identify);
    let native = way.and_then(|way| {
        let answer = way.native(talk);
        counted(answer.map(|last| last.saturating_add(1)))
    });
    let configured = (identify.dco.supported == Some(true))
        .then(|| configured(talk))
        .and_then(counted);
    Ok(Seen {
        look: Look {
            sectors: identify.sectors,
            sector_bytes: identify.logical_sector_bytes,
            most: [native, configured]
                .into_iter()
                .flatten()
                .fold(identify.sectors, u64::max),
            unknown,
        },
        way,
        native,
        configured,
    })
}

fn configured(talk: &mut Talk<'_>) -> Result<u64, String> {
    let name = "DEVICE CONFIGURATION IDENTIFY";
    let page = talk.ask(name, &dco_identify(), PAGE_BYTES)?;
    let sectors = DcoIdentify::parse(&page).and_then(|page| page.sectors());
    sectors.ok_or_else(|| format!("{name}: the answer is no overlay's"))
}

/// First the limit, then the overlay, which refuses while a limit is set, then the limit that the
/// overlay left. A limit that the kernel opened for this boot is set, too.
pub(super) fn lift(talk: &mut Talk<'_>, opened: bool) {
    let mut lasting = Vec::new();
    let Ok(seen) = look(talk) else { return };
    if opened || seen.native > Some(seen.look.sectors) {
        lasting.push(limit(talk, &seen));
    }
    let Ok(seen) = look(talk) else { return };
    let hides = |seen: &Seen, sectors: Option<u64>| sectors > Some(seen.look.sectors);
    if hides(
        &seen,
        seen.configured.filter(|most| Some(*most) > seen.native),
    ) {
        match talk.send(RESTORE, &dco_restore(), None) {
            Ok(reply) => {
                let registers = RegisterReturn::from_sense(&reply.sense);
                match registers.good() {
                    Some(_) => lasting.push(true),
                    None => talk.refused(RESTORE, words(&registers)),
                }
            }
            Err(why) => talk.refused(RESTORE, why),
        }
        let Ok(seen) = look(talk) else { return };
        if hides(&seen, seen.native) {
            lasting.push(limit(talk, &seen));
        }
    }
    talk.lasting = !lasting.is_empty() && lasting.iter().all(|lasts| *lasts);
}

/// Lifts the limit; whether it is shown to last.
///
/// SET MAX whose COUNT was zeroed on the way is a volatile one, which looks the same until the power
/// goes. A drive takes one lasting set until then: so it is sent once more, and must be refused.
fn limit(talk: &mut Talk<'_>, seen: &Seen) -> bool {
    let Some(way) = seen.way else { return false };
    match way.set(talk) {
        Ok(registers) if registers.good().is_some() => match way {
            Way::Accessible => true,
            Way::Long | Way::Short => {
                let again = way.set(talk);
                matches!(again, Ok(RegisterReturn::Returned(r)) if r.has_error())
            }
        },
        Ok(registers) => {
            talk.refused(way.sets(), words(&registers));
            false
        }
        Err(why) => {
            talk.refused(way.sets(), why);
            false
        }
    }
}

fn words(registers: &RegisterReturn) -> String {
    match registers {
        RegisterReturn::Returned(_) => registers.to_string(),
        RegisterReturn::Missing(why) => format!("no registers came back: {why}"),
    }
}

//! A run drawn from a seed: drives, what is wrong with them, and the engine's measures.

use super::simulated::Wanted;
use sim::faults::{Faults, Leaving, Timing, When};
use sim::random::Random;
use std::time::Duration;
use wipe::job::VerifyMode;
use wipe::options::Options;
use wipe::outcome::PassKind;
use wipe::pattern::{Cipher, Seed};
use wipe::sample::{SECTORS_MIN, Share};

/// What kind of trouble a drive has. Each may have transient trouble besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    None,
    /// Bad sectors here and there.
    Isolated,
    /// Bad sectors in rows.
    Rows,
    /// It does not do what it says.
    Lies,
    /// It goes.
    Leaves,
    /// It falls silent.
    Silent,
    /// Its flush fails, or it becomes another one.
    Control,
}

#[derive(Clone, Debug)]
pub struct Scene {
    pub drives: Vec<(Trouble, Wanted)>,
    pub options: Options,
    /// The operator stops the run at this request.
    pub cancel_at: Option<u64>,
    /// The engine's bounds on bad sectors are the real ones, so that nothing but rows is given up.
    pub real_bounds: bool,
}

impl Scene {
    pub fn draw(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let count = random.pick(&[1, 1, 1, 2, 2, 3, 5]);
        let drives = (0..count).map(|n| drive(&mut random.split(), n)).collect();
        let mut options = Options {
            threads: random.pick(&[1, 2]),
            memory_bytes: random.pick(&[1, 2, 4, 16]) << 20,
            ..Options::default()
        };
        let real_bounds = !random.one_in(6);
        if !real_bounds {
            options.listed_ranges = 1 + random.below(12) as usize;
            options.cut_until_sectors = 1 + random.below(50);
            options.hopeless_requests = 2 + random.below(20);
        }
        let cancel_at = random.one_in(25).then(|| random.below(200));
        Self {
            drives,
            options,
            cancel_at,
            real_bounds,
        }
    }
}

fn drive(random: &mut Random, number: u64) -> (Trouble, Wanted) {
    const PLANS: &[&[PassKind]] = &[
        &[PassKind::Pattern],
        &[PassKind::Pattern],
        &[PassKind::Pattern, PassKind::Zero],
        &[PassKind::Pattern, PassKind::Complement],
        &[PassKind::Pattern, PassKind::Complement, PassKind::Zero],
        &[PassKind::Pattern, PassKind::Pattern],
        &[PassKind::Zero],
    ];
    let sector_bytes = random.pick(&[512, 512, 4096]);
    // Most drives are a few requests long, some a part of one.
    let most = 1 << random.below(14);
    let mut sectors = 1 + random.below(most) * 512 / u64::from(sector_bytes);
    let verify = match random.below(24) {
        0..4 => VerifyMode::None,
        // On a small drive it means everything.
        4 => VerifyMode::Sampled(Share::MIN),
        5 => {
            sectors += SECTORS_MIN;
            VerifyMode::Sampled(random.pick(&[Share::MIN, Share::MAX]))
        }
        _ => VerifyMode::Full,
    };
    let (trouble, faults) = trouble(random, sectors, sector_bytes);
    let wanted = Wanted {
        identity: format!("serial=SIM{number};world_wide=;area="),
        sectors,
        sector_bytes,
        physical_bytes: random.pick(&[sector_bytes, 4096, 8192, 65536, 1 << 30]),
        max_request_bytes: random.pick(&[None, Some(1), Some(120 << 10), Some(500_000)]),
        seed: Seed(std::array::from_fn(|_| random.number() as u8)),
        cipher: random.pick(&[Cipher::Aes128Ctr, Cipher::ChaCha8]),
        passes: random.pick(PLANS).to_vec(),
        verify,
        faults,
        timing: timing(random),
        chance: random.number(),
    };
    (trouble, wanted)
}

fn timing(random: &mut Random) -> Timing {
    Timing {
        request: Duration::from_micros(random.below(5000)),
        bytes_per_second: 1 << (20 + random.below(12)),
        // The kernel gives up on a command after 30 s.
        error: Duration::from_millis(random.pick(&[0, 0, 10, 2000, 30_000])),
        jitter: Duration::from_micros(random.pick(&[0, 100, 10_000, 1_000_000])),
        late_one_in: random.pick(&[0, 0, 30]),
        // Within the bound for a stalled drive, errors and jitter included.
        late: Duration::from_secs(200),
    }
}

fn trouble(random: &mut Random, sectors: u64, sector_bytes: u32) -> (Trouble, Faults) {
    let mut faults = Faults {
        errno: random.pick(&[None, Some(61), Some(84), Some(121)]),
        merges: random.one_in(2),
        ..Faults::default()
    };
    if random.one_in(2) {
        faults.short_one_in = random.pick(&[0, 2, 5, 30]);
        faults.torn_one_in = random.pick(&[0, 0, 5, 30]);
        faults.again_one_in = random.pick(&[0, 0, 3, 20]);
        faults.refused_one_in = random.pick(&[0, 0, 0, 3, 20]);
    }
    let trouble = random.pick(&[
        Trouble::None,
        Trouble::None,
        Trouble::None,
        Trouble::Isolated,
        Trouble::Isolated,
        Trouble::Isolated,
        Trouble::Rows,
        Trouble::Lies,
        Trouble::Lies,
        Trouble::Leaves,
        Trouble::Silent,
        Trouble::Control,
    ]);
    // Requests of a good drive, about.
    let requests = sectors * u64::from(sector_bytes) / (64 << 10) + 4;
    match trouble {
        Trouble::None => {}
        Trouble::Isolated => {
            for rules in [&mut faults.writes, &mut faults.reads] {
                for _ in 0..random.pick(&[0, 1, 3, 30, 300]) {
                    let sector = match random.below(6) {
                        0 => 0,
                        1 => sectors - 1,
                        _ => random.below(sectors),
                    };
                    let times = 1 + random.below(16) as u32;
                    let when =
                        random.pick(&[When::Always, When::Times(times), When::LongerThanSector]);
                    rules.insert(sector, when);
                }
            }
        }
        Trouble::Rows => {
            for rules in [&mut faults.writes, &mut faults.reads] {
                for _ in 0..random.below(3) {
                    let start = random.below(sectors);
                    let length = 1 + random.below(sectors - start);
                    rules.extend((start..start + length).map(|n| (n, When::Always)));
                }
            }
        }
        Trouble::Lies => lies(random, sectors, &mut faults),
        Trouble::Leaves => {
            let leaving = random.pick(&[Leaving::NoDevice, Leaving::Errors]);
            faults.leaves_after = Some((random.below(4 * requests), leaving));
        }
        Trouble::Silent => faults.silent_after = Some(random.below(4 * requests)),
        Trouble::Control => {
            if random.one_in(2) {
                faults.flush_fails.insert(random.below(3) as u32);
            } else {
                faults.changes_at = Some(random.below(7) as u32);
            }
        }
    }
    (trouble, faults)
}

fn lies(random: &mut Random, sectors: u64, faults: &mut Faults) {
    let some = 1 + random.below(4);
    for _ in 0..some {
        let sector = random.below(sectors);
        match random.below(6) {
            0 => faults.wraps_at = Some(1 + random.below(sectors)),
            1 => faults.empty_one_in = 1 + random.below(10),
            2 => {
                faults.dropped.insert(sector);
            }
            3 => {
                faults.halved.insert(sector);
            }
            4 => {
                faults.misplaced.insert(sector, random.below(sectors));
            }
            _ => {
                faults.flips.insert(sector, random.number());
                faults.flips_in = random.below(3) as usize;
            }
        }
    }
}

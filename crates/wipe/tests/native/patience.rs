//! How long the commands that answer at their end are given, and how long a run bears the silence.

use crate::ata::Bench;
use crate::wire::nvme::NvmeWire;
use drive::ata::identify::EraseTime;
use drive::facts::NvmeFormat as Offered;
use drive::port::{AdminCommand, AdminReply, Data, Port, ScsiReply};
use sim::ata::options::Options;
use sim::clock::Clock;
use sim::nvme::{NvmeDrive, options};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wipe::native::format::NvmeFormat;
use wipe::native::security::{EnhancedErase, bound};
use wipe::native::{Sanitize, Technique};

const MINUTE: Duration = Duration::from_secs(60);

/// A port that remembers how long each command was given.
struct Patient {
    port: Arc<dyn Port>,
    given: Mutex<Vec<Duration>>,
}

impl Patient {
    fn of(port: impl Port + 'static) -> Arc<Self> {
        Arc::new(Self {
            port: Arc::new(port),
            given: Mutex::default(),
        })
    }

    fn note(&self, timeout: Duration) {
        self.given.lock().expect("no panic").push(timeout);
    }

    /// What the longest command was given, after an erase that went well. All together are no more
    /// than the silence that the run bears: else it would be called stalled while the drive erases.
    fn longest(&self, drive: &dyn Sanitize, technique: Technique) -> Duration {
        assert_eq!(drive.start(technique), Ok(()));
        let given = self.given.lock().expect("no panic");
        let all: Duration = given.iter().sum();
        assert!(all <= drive.blocks_for(), "{given:?}");
        given.iter().copied().max().expect("a command")
    }
}

impl Port for Patient {
    fn scsi(&self, cdb: &[u8], data: Data<'_>, timeout: Duration) -> io::Result<ScsiReply> {
        self.note(timeout);
        self.port.scsi(cdb, data, timeout)
    }

    fn nvme_admin(
        &self,
        command: &AdminCommand,
        data: Data<'_>,
        timeout: Duration,
    ) -> io::Result<AdminReply> {
        self.note(timeout);
        self.port.nvme_admin(command, data, timeout)
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[test]
fn security_erase_is_given_its_bound_and_all_its_commands_are_borne() {
    let patient = Patient::of(Bench::new(Options::magnetic()).wire);
    let most = bound(EraseTime::Minutes(94), 1 << 40);
    let drive = EnhancedErase::new(Arc::clone(&patient) as Arc<dyn Port>, most);
    let longest = patient.longest(&drive, Technique::EnhancedErase);
    assert_eq!(longest, most);
}

/// A drive that overwrites itself rather than erase needs time by its size.
#[test]
fn format_is_given_half_an_hour_and_time_for_every_byte() {
    let longest = |capacity_bytes: u64| {
        let drive = NvmeDrive::new(options::Options::default(), Clock::by_hand());
        let patient = Patient::of(NvmeWire::new(drive, 1, 2048));
        let port = Arc::clone(&patient) as Arc<dyn Port>;
        let drive = NvmeFormat::new(port, Offered { nsid: 1 }, capacity_bytes);
        patient.longest(&drive, Technique::Format)
    };
    assert_eq!(longest(0), MINUTE * 30);
    // 2 TB at 100 MB a second.
    let by_size = Duration::from_secs(20_000);
    assert_eq!(longest(2_000_000_000_000), MINUTE * 30 + by_size);
}

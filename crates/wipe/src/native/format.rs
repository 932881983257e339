//! Format NVM of one NVMe namespace, with an erase of user data (SES 1).
//!
//! The command is answered at its end. It has no log: what is fresh is that this run sent it and saw it
//! answered with success, and that is a word about user data, not about spare and replaced cells. The
//! namespace keeps its LBA format.
//!
//! NVMe base 2.0 5.14. A drive that answers early may say by FPI (Identify Namespace, byte 32) that it
//! goes on.

use super::{Said, Sanitize, State, Technique};
use drive::facts::NvmeFormat as Offered;
use drive::nvme::change::{SecureErase, format_nvm};
use drive::nvme::command::{IDENTIFY_BYTES, identify_namespace};
use drive::nvme::identify::Namespace;
use drive::port::{Data, Port};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(60);
/// No format is given up before that.
const LEAST: Duration = Duration::from_secs(30 * 60);
/// A drive that overwrites itself rather than erase is not slower.
const SLOWEST_BYTES_PER_SECOND: u64 = 100_000_000;

/// A namespace that can be formatted.
pub struct NvmeFormat {
    port: Arc<dyn Port>,
    nsid: u32,
    bound: Duration,
    /// This run's command was answered with success.
    is_done: AtomicBool,
    /// What it was answered, for the report.
    answer: RwLock<String>,
}

impl NvmeFormat {
    /// Over a claimed drive's port.
    #[must_use]
    pub fn new(port: Arc<dyn Port>, offered: Offered, capacity_bytes: u64) -> Self {
        Self {
            port,
            nsid: offered.nsid,
            bound: LEAST + Duration::from_secs(capacity_bytes / SLOWEST_BYTES_PER_SECOND),
            is_done: AtomicBool::new(false),
            answer: RwLock::default(),
        }
    }

    fn namespace(&self) -> Result<Namespace, String> {
        let mut data = vec![0; IDENTIFY_BYTES];
        let reply = self
            .port
            .nvme_admin(&identify_namespace(self.nsid), Data::In(&mut data), TIMEOUT)
            .map_err(|error| format!("Identify Namespace: {error}"))?;
        match reply.status {
            0 => Ok(Namespace::parse(&data)),
            status => Err(format!("Identify Namespace: NVMe status {status:03X}h")),
        }
    }

    fn note(&self, answer: String) {
        *self.answer.write().unwrap_or_else(PoisonError::into_inner) = answer;
    }
}

impl Sanitize for NvmeFormat {
    fn said(&self) -> Said {
        let namespace = match self.namespace() {
            Ok(namespace) => namespace,
            Err(error) => return Said::unknown(error),
        };
        let (Some(format), answer) = (
            namespace.format,
            self.answer.read().unwrap_or_else(PoisonError::into_inner),
        ) else {
            return Said::unknown("the namespace does not say how it is formatted");
        };
        let state = match namespace.format_remaining {
            Some(percent @ 1..) => State::InProgress {
                progress: u16::from(100_u8.saturating_sub(percent)) * 655,
            },
            Some(0) | None => State::Idle {
                completed: Some(self.is_done.load(Ordering::Relaxed)),
            },
        };
        let remaining = match namespace.format_remaining {
            Some(percent) => format!("{percent} % to be formatted"),
            None => "no progress told".into(),
        };
        Said {
            state,
            erased_since_write: None,
            is_ours: None,
            is_deallocated: true,
            raw: format!(
                "Identify Namespace: LBA format {}, {remaining}{answer}",
                format.index
            ),
        }
    }

    fn start(&self, technique: Technique) -> Result<(), String> {
        if technique != Technique::Format {
            return Err(format!("not a format: {technique}"));
        }
        let command = format_nvm(self.nsid, &self.namespace()?, SecureErase::UserData)
            .ok_or("the namespace does not say how it is formatted")?;
        let reply = self
            .port
            .nvme_admin(&command, Data::None, self.bound)
            .map_err(|error| format!("Format NVM: {error}"))?;
        self.note(format!(
            "; Format NVM {:08X}h: NVMe status {:03X}h",
            command.cdw10, reply.status
        ));
        match reply.status {
            0 => {
                self.is_done.store(true, Ordering::Relaxed);
                Ok(())
            }
            status => Err(format!(
                "Format NVM is refused with NVMe status {status:03X}h"
            )),
        }
    }

    /// What is deallocated reads as the drive's filling.
    fn may_be_unreadable_after(&self, _: Technique) -> bool {
        false
    }

    fn blocks_for(&self) -> Duration {
        // Identify Namespace before it.
        self.bound + TIMEOUT
    }
}

#[cfg(test)]
mod tests {
    use super::{Data, IDENTIFY_BYTES, NvmeFormat, Offered, Port, Sanitize, State};
    use drive::port::{AdminCommand, AdminReply, ScsiReply};
    use std::io;
    use std::sync::Arc;
    use std::time::Duration;

    /// Answers Identify Namespace with this byte as FPI.
    struct Page(u8);

    impl Port for Page {
        fn nvme_admin(
            &self,
            _: &AdminCommand,
            data: Data<'_>,
            _: Duration,
        ) -> io::Result<AdminReply> {
            let mut page = vec![0; IDENTIFY_BYTES];
            // One million blocks of 512 bytes.
            page[..3].copy_from_slice(&[0x40, 0x42, 0x0F]);
            (page[32], page[130]) = (self.0, 9);
            if let Data::In(buffer) = data {
                buffer.copy_from_slice(&page);
            }
            Ok(AdminReply {
                status: 0,
                result: 0,
            })
        }

        fn scsi(&self, _: &[u8], _: Data<'_>, _: Duration) -> io::Result<ScsiReply> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    /// NVMe counts down what remains, in percent; raz shows what is done.
    #[test]
    fn format_that_goes_on_shows_how_much_is_done() {
        let state = |indicator: u8| {
            let offered = Offered { nsid: 1 };
            NvmeFormat::new(Arc::new(Page(indicator)), offered, 0)
                .said()
                .state
        };
        let done = |remaining: u8| match state(0x80 | remaining) {
            State::InProgress { progress } => u32::from(progress) * 100 / 65_536,
            other => panic!("{remaining} %: {other:?}"),
        };
        assert_eq!(done(100), 0);
        assert!((49..=50).contains(&done(50)));
        assert!((98..=99).contains(&done(1)));
        for over in [0x80, 0x00] {
            assert!(matches!(state(over), State::Idle { .. }), "{over:02X}");
        }
    }
}

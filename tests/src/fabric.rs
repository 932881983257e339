//! Drives of this process that a guest's kernel reaches over NVMe/TCP.
//!
//! The image has no driver for such drives, so that nobody erases another's storage with it: the lab
//! brings the kernel's own modules.

const HOST_NQN: &str = "nqn.2026-01.example.lab:pc";
const HOST_ID: &str = "6c616200-0000-4000-8000-000000000001";

/// What the kernel needs for it, in this order.
pub(crate) const MODULES: &[&str] = &[
    "nvme/common/nvme-keyring",
    "nvme/host/nvme-fabrics",
    "nvme/host/nvme-tcp",
];

/// A port of the host's loopback, and the subsystem behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subsystem {
    /// The port.
    pub port: u16,
    /// Its NVMe qualified name.
    pub nqn: String,
}

/// What is said to `/dev/nvme-fabrics`, a line for each.
pub(crate) fn lines(subsystems: &[Subsystem]) -> String {
    let line = |Subsystem { port, nqn }: &Subsystem| {
        format!(
            "transport=tcp,traddr=10.0.2.2,trsvcid={port},nqn={nqn},hostnqn={HOST_NQN},\
             hostid={HOST_ID},nr_io_queues=1,reconnect_delay=1,ctrl_loss_tmo=5\n"
        )
    };
    subsystems.iter().map(line).collect()
}

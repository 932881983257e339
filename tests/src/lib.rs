//! The lab: QEMU machines, disks, faults.

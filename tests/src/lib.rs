//! The lab: virtual PCs in QEMU, disks with recognisable contents, faults.
//!
//! The image is booted unmodified (where a drive must have a holder, after an init of the lab's that
//! lies beside it: `holder`; where commands are typed at it, with one in the place of the session:
//! `guest`) and watched from outside: JSON events over virtio-serial, QMP, and the
//! drives' backing files, which this side reads itself, or simulated drives, which live on this side
//! (`wire`). Software emulation always, because a `/dev/kvm` may exist and not work; `RAZ_LAB_KVM=1`
//! takes KVM. Nothing is written outside a folder of the lab's own below `target/lab`.

pub mod bay;
mod before;
pub mod bench;
pub mod by_hand;
pub mod derive;
pub mod disk;
pub mod drive;
pub mod erased;
pub mod events;
pub mod fabric;
pub mod firmware;
pub mod guest;
mod holder;
pub mod image;
pub mod lan;
pub mod machine;
pub mod other_stick;
pub mod process;
pub mod proxy;
pub mod qmp;
pub mod scenario;
pub mod service;
pub mod shell;
pub mod station;
pub mod stream;
pub mod terminal;
pub mod truth;
pub mod wire;

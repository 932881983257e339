//! Acceptance of the command line: the built binary on loop devices over the test's own files.
//!
//! Needs root, loop devices and the usual tools (losetup, mkfs.ext4, mkswap, addpart, ssh-keygen);
//! without them the tests fail and say so. What is erased is looked at from outside, in the
//! backing file. Held drives are shown by an external journal and an exclusive opener: dm and md,
//! and errors from dm-error or dm-flakey, need a kernel that has them and are the lab's.

mod captured;
mod faults;
mod grade;
mod keys;
mod outputs;
mod proven;
mod refused;
mod resumed;
mod sampled;
mod stopped;
mod support;
mod usage;
mod verify;

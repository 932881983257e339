//! AES-128 in counter mode (NIST SP 800-38A section 6.5) by the processor's AES instructions: the keystream
//! itself, and its comparison with bytes in memory without the keystream ever being stored.
//!
//! Block `n` is AES-128 of the 128-bit big-endian number `counter + n`, modulo 2^128. Keys are in the report:
//! nothing here is secret, so nothing is wiped from registers or memory.
//!
//! That a processor says that it has an instruction does not mean that it computes it rightly: emulated ones
//! have got VAES wrong in every block but the first. A caller proves each of [`Instructions`] against another
//! implementation before it relies on it.

#[cfg(target_arch = "x86_64")]
mod aes;
#[cfg(not(target_arch = "x86_64"))]
#[path = "keystream/absent.rs"]
mod aes;

pub use aes::{Aes128Ctr, Instructions};

/// One block of AES.
pub type Block = [u8; 16];

#[cfg(test)]
mod tests;

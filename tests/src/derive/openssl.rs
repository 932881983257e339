//! The AES-128-CTR keystream, made by the `openssl` program from the zeros of `/dev/zero`.
//!
//! The command is the one that an auditor would type; no AES of Rust's world is trusted here.

use std::io::{self, Read};
use std::process::{Child, Command, Stdio};

use anyhow::Context;

const BLOCK_BYTES: u64 = 16;

/// The keystream from any offset on, without end.
#[derive(Debug)]
pub struct AesCtr {
    child: Child,
}

impl AesCtr {
    /// The keystream from byte `offset_bytes` on; `first_counter` is the counter block of byte 0.
    ///
    /// # Errors
    /// When `openssl` does not start.
    pub fn new(
        key: &[u8; 16],
        first_counter: &[u8; 16],
        offset_bytes: u64,
    ) -> anyhow::Result<Self> {
        let counter = u128::from_be_bytes(*first_counter)
            .wrapping_add(u128::from(offset_bytes / BLOCK_BYTES));
        let child = enc("-aes-128-ctr", key, &counter.to_be_bytes())?;
        let mut stream = Self { child };
        let skipped = offset_bytes % BLOCK_BYTES;
        io::copy(&mut (&mut stream).take(skipped), &mut io::sink())
            .context("reading openssl's output")?;
        Ok(stream)
    }
}

impl Read for AesCtr {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let output = self.child.stdout.as_mut();
        let output = output.ok_or_else(|| io::Error::other("openssl's output is not piped"))?;
        let count = output.read(buffer)?;
        if count > 0 || buffer.is_empty() {
            return Ok(count);
        }
        // Its input never ends, so its output does not either unless something is wrong.
        let status = self.child.wait()?;
        let mut said = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            errors.read_to_string(&mut said)?;
        }
        Err(io::Error::other(format!(
            "openssl ended with {status}: {}",
            said.trim()
        )))
    }
}

impl Drop for AesCtr {
    fn drop(&mut self) {
        // Fails only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `openssl enc` over zeros without end.
fn enc(cipher: &str, key: &[u8], iv: &[u8]) -> anyhow::Result<Child> {
    Command::new("openssl")
        .args(["enc", cipher, "-in", "/dev/zero"])
        .args(["-K", &hex::encode(key), "-iv", &hex::encode(iv)])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("starting openssl (`cargo xtask setup` installs it)")
}

/// The first bytes of another cipher of OpenSSL's, to judge our own by.
#[cfg(test)]
pub fn first_bytes(cipher: &str, key: &[u8], iv: &[u8], length: usize) -> Vec<u8> {
    let mut stream = AesCtr {
        child: enc(cipher, key, iv).unwrap(),
    };
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keystream(first_counter: &[u8; 16], offset_bytes: u64, length: usize) -> String {
        let key = std::array::from_fn(|at| at as u8);
        let mut bytes = vec![0; length];
        AesCtr::new(&key, first_counter, offset_bytes)
            .unwrap()
            .read_exact(&mut bytes)
            .unwrap();
        hex::encode(bytes)
    }

    /// NIST SP 800-38A, F.5.1: its first two output blocks, which are the keystream.
    #[test]
    fn the_standard_s_example_is_reproduced() {
        let key: [u8; 16] = hex::decode("2b7e151628aed2a6abf7158809cf4f3c")
            .unwrap()
            .try_into()
            .unwrap();
        let counter: [u8; 16] = hex::decode("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
            .unwrap()
            .try_into()
            .unwrap();
        let mut bytes = [0; 32];
        AesCtr::new(&key, &counter, 0)
            .unwrap()
            .read_exact(&mut bytes)
            .unwrap();
        assert_eq!(
            hex::encode(bytes),
            "ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae"
        );
    }

    /// Expected: AES-128 of the counter 2^128 - 1 and then of 0, by another library.
    #[test]
    fn the_counter_wraps_at_2_to_the_128_whether_reached_or_skipped_to() {
        assert_eq!(
            keystream(&[0xff; 16], 0, 32),
            "3c441f32ce07822364d7a2990e50bb13c6a13b37878f5b826f4f8162a1c8d879"
        );
        let mut counter = [0xff; 16];
        counter[15] = 0xfe;
        assert_eq!(keystream(&counter, 40, 8), "6f4f8162a1c8d879");
    }

    #[test]
    fn an_openssl_that_refuses_is_an_error_with_its_words() {
        let mut stream = AesCtr {
            child: enc("-no-such-cipher", &[0; 16], &[0; 16]).unwrap(),
        };
        let error = stream.read(&mut [0; 16]).unwrap_err().to_string();
        assert!(error.contains("no-such-cipher"), "{error}");
    }
}

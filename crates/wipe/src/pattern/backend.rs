//! Which code computes a cipher's keystream on this machine, after it has shown that it computes it rightly.
//!
//! A wrong generator on both sides agrees with itself: the pass would be written wrong, read back "equal" and
//! certified, and no other host could ever check it. So no [`Backend`] exists before its self-test.

use super::{Cipher, self_test};
use std::sync::OnceLock;
use sys::keystream::Instructions;

/// Code for a cipher's keystream that has passed the self-test on this machine. All give the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backend {
    cipher: Cipher,
    generator: Generator,
}

/// Code for a keystream, proven or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Generator {
    /// RustCrypto's crates, which choose among instructions of their own.
    Portable,
    /// `sys::keystream`; of AES only.
    Instructions(Instructions),
    /// Wrong on purpose, for the self-test's tests.
    #[cfg(test)]
    Faulty(super::faulty::Fault),
}

impl Generator {
    fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Instructions(instructions) => instructions.name(),
            #[cfg(test)]
            Self::Faulty(_) => "faulty",
        }
    }
}

/// What this machine's processor computes wrongly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this machine's processor computes {} wrongly (self-test with published vectors), so that no other \
     machine could check the pattern: erase the drive in another machine",
    .cipher.name()
)]
pub struct WrongProcessor {
    cipher: Cipher,
}

impl Backend {
    /// The backends of `cipher` that passed, the fastest first. None when not even the portable one gives the
    /// published answers. The self-test runs once a process and takes milliseconds.
    #[must_use]
    pub fn available(cipher: Cipher) -> &'static [Self] {
        &tried(cipher).passed
    }

    /// Names of what the processor says that it has and that gave a wrong keystream: not used. For the report.
    #[must_use]
    pub fn rejected(cipher: Cipher) -> &'static [&'static str] {
        &tried(cipher).failed
    }

    /// The fastest that passed.
    ///
    /// # Errors
    /// None passed.
    pub fn fastest(cipher: Cipher) -> Result<Self, WrongProcessor> {
        tried(cipher).fastest()
    }

    /// The cipher.
    #[must_use]
    pub fn cipher(self) -> Cipher {
        self.cipher
    }

    /// Name for people, such as `vaes-512` or `portable`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.generator.name()
    }

    pub(super) fn generator(self) -> Generator {
        self.generator
    }
}

/// The self-test's result for the candidates of one cipher.
#[derive(Debug)]
pub(super) struct Tried {
    cipher: Cipher,
    pub(super) passed: Vec<Backend>,
    pub(super) failed: Vec<&'static str>,
}

impl Tried {
    /// Judges `portable` by published answers, and `candidates`, the fastest first, by `portable`.
    pub(super) fn new(cipher: Cipher, portable: Generator, candidates: &[Generator]) -> Self {
        let mut tried = Self {
            cipher,
            passed: Vec::new(),
            failed: Vec::new(),
        };
        // Without a right one there is nothing to judge the others by.
        if !self_test::gives_published_answers(cipher, portable) {
            tried.failed.push(portable.name());
            return tried;
        }
        for candidate in candidates {
            if self_test::agree(cipher, *candidate, portable) {
                tried.pass(*candidate);
            } else {
                tried.failed.push(candidate.name());
            }
        }
        tried.pass(portable);
        tried
    }

    fn pass(&mut self, generator: Generator) {
        let cipher = self.cipher;
        self.passed.push(Backend { cipher, generator });
    }

    pub(super) fn fastest(&self) -> Result<Backend, WrongProcessor> {
        let cipher = self.cipher;
        let fastest = self.passed.first();
        fastest.copied().ok_or(WrongProcessor { cipher })
    }
}

fn tried(cipher: Cipher) -> &'static Tried {
    static AES_128_CTR: OnceLock<Tried> = OnceLock::new();
    static CHACHA8: OnceLock<Tried> = OnceLock::new();
    let (once, candidates) = match cipher {
        Cipher::Aes128Ctr => (&AES_128_CTR, &Instructions::ALL[..]),
        Cipher::ChaCha8 => (&CHACHA8, &[][..]),
    };
    once.get_or_init(|| {
        let detected = candidates.iter().filter(|each| each.are_detected());
        let candidates: Vec<_> = detected
            .map(|each| Generator::Instructions(*each))
            .collect();
        Tried::new(cipher, Generator::Portable, &candidates)
    })
}

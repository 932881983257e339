//! The running kernel, or a folder in its place.

use super::Kernel;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The files below a root.
#[derive(Clone, Debug)]
pub struct Linux {
    root: PathBuf,
    began: Instant,
}

impl Linux {
    /// `/` for the running machine.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            began: Instant::now(),
        }
    }
}

impl Default for Linux {
    fn default() -> Self {
        Self::new("/")
    }
}

impl Kernel for Linux {
    fn read(&self, file: &str) -> io::Result<String> {
        std::fs::read_to_string(self.root.join(file))
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        // What the kernel does not offer is not made.
        options.write(true).create(false);
        let mut file = options.open(self.root.join(file))?;
        file.write_all(text.as_bytes())
    }

    /// `CLOCK_MONOTONIC`, which stands still while the machine sleeps.
    fn awake(&self) -> Duration {
        self.began.elapsed()
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

//! The flushes of one drive: one at a time, and what one of them lost no later one brings back.
//!
//! A kernel tells an error of the write cache once. Whoever asks next, for a checkpoint or at the end
//! of a pass, is told that all is well, so the error is kept here.

use crate::target::Control;
use std::sync::{Arc, Mutex, PoisonError};

/// A drive's write cache during one run.
pub(crate) struct Flushes {
    control: Arc<dyn Control>,
    failed: Mutex<Option<String>>,
}

impl Flushes {
    pub(crate) fn new(control: Arc<dyn Control>) -> Self {
        Self {
            control,
            failed: Mutex::new(None),
        }
    }

    /// Flushes the drive's write cache; waits for a flush that is under way.
    ///
    /// # Errors
    /// The words of the first flush of the run that failed.
    pub(crate) fn flush(&self) -> Result<(), String> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.control.flush() {
            failed.get_or_insert(error.to_string());
        }
        failed.clone().map_or(Ok(()), Err)
    }
}

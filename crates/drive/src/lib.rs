//! One drive: what it is, what it can be told.

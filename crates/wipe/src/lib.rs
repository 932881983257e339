//! Erase and prove.

//! The computer around the drives, and its verdict.

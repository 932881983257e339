//! The computer around the drives, and its verdict.
//!
//! [`facts`] reads what the machine says of itself from `/sys` and `/proc`, given as [`Roots`] so
//! that a folder is a machine. [`verdict`] grades it with a rule file. Neither writes anything,
//! opens a drive, or starts a program. Host names, users and networks are not read. [`check`] tests
//! what only shows under test; it writes to memory that the kernel gave it, and to nothing else.
//!
//! What is absent is `None` or an empty list; what is there and cannot be read or makes no sense
//! is named in `oddities`. Nothing is guessed, and nothing that is missing improves a grade.

pub mod check;
mod facts;
pub mod parts;
mod roots;
mod text;
pub mod verdict;

pub use facts::{MachineFacts, facts};
pub use roots::Roots;
pub use text::Label;

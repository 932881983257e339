//! Drives of many kinds as documents (`NAME.json`), and raz's plan for each in words (`NAME.txt`).
//!
//! - `plans`: what `raz plan` says of every document in this folder, for both levels.
//! - `replays`: what a replay asks, and that recording it gives the same document.
//! - `kinds`: the makers of the documents, over simulated drives and, where there is no model, over
//!   scripted answers.
//! - `busy`: drives that are at an erase of their own when they are listed.

mod bench;
mod busy;
mod documents;
mod kinds;
mod plans;
mod replays;
mod support;

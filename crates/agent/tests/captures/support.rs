//! The folders that are machines and the ports that answer from scripts, of the tests of crate `drive`.

#[path = "../../../drive/tests/machine/support/folder.rs"]
#[allow(dead_code, reason = "made for other tests, too")]
pub mod folder;
#[path = "../../../drive/tests/machine/support/script.rs"]
#[allow(dead_code, reason = "made for other tests, too")]
pub mod script;

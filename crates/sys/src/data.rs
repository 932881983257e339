//! The data phase of a pass-through command.

/// What moves with a command, seen from the host. The device's side is written in the command itself;
/// the two must agree.
#[derive(Debug)]
pub enum Data<'a> {
    /// No data phase.
    None,
    /// The device sends, at most this many bytes.
    In(&'a mut [u8]),
    /// The device receives these bytes.
    Out(&'a [u8]),
}

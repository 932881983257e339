//! What each command does. A command reads, acts, prints, and ends in a [`Status`].

pub mod capture;
pub mod check;
pub mod coldplug;
pub mod drives;
pub mod grade;
pub mod machine;
mod one_drive;
pub mod plan;
pub mod reformat;
pub mod report;
pub mod revert;
mod signals;
pub mod sleep;
pub mod stick;
mod thaw;
pub mod unlock;
pub mod upload;
pub mod verify;
pub mod wipe;

/// Exit status, the same for every command; what comes later proves less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// All that was asked is proven.
    Proven,
    /// All that was asked is shown by a sample, and by no more than that.
    Sampled,
    /// Something is not.
    NotProven,
    /// The command line is wrong.
    Usage,
    /// Refused for safety; nothing was written.
    Refused,
}

impl Status {
    /// As the shell sees it.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Proven => 0,
            Self::NotProven => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Sampled => 4,
        }
    }
}

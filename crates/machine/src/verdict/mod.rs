//! The verdict: the best grade that the measurements still allow, and why.
//!
//! A rule file (TOML, shipped: `rules/verdict.toml`) caps the grade; the worst cap counts. A grade
//! is a ceiling: nothing that was not measured lowers it, so everything that was not is listed in
//! [`Verdict::not_checked`] and the two must be read together. Looks are graded by a person.
//!
//! A rejected drive is replaced, so it says nothing of the machine without it. But the machine as
//! it stands must not leave: [`Verdict::grade`] is [`Grade::Parts`] until the drive is out, and
//! [`Verdict::grade_once_removed`] is what the rest is worth.

mod drive_health;
mod fact;
mod judge;
mod not_checked;
mod rules;
mod windows_11;

pub use drive_health::{DriveFate, DriveHealth};
pub use fact::{Axis, Measurement, Value};
pub use not_checked::{NotChecked, of_drive as not_checked_of};
pub use rules::{RuleError, RuleSummary, Rules};
pub use windows_11::{Obstacle, Windows11};

/// Grade of a machine, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// Nothing measured speaks against it.
    A,
    /// Good, with wear.
    B,
    /// Works, with a weakness that the next owner must know.
    C,
    /// Works in part, or needs a part.
    D,
    /// Not to be handed on: parts, or a part to be taken out first.
    Parts,
}

impl Grade {
    /// `A` … `D` or `parts`, as in rule files and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::Parts => "parts",
        }
    }
}

/// What a rule does when it fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The grade is not better than this. `Parts` rejects the subject.
    Cap(Grade),
    /// Worth knowing; the grade stays.
    Note,
}

impl Effect {
    /// `A` … `D`, `parts` or `note`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cap(grade) => grade.as_str(),
            Self::Note => "note",
        }
    }
}

/// One rule that fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// Id of the rule.
    pub rule: String,
    /// What it is about.
    pub axis: Axis,
    /// Which drive, battery or screen; `machine` for the whole.
    pub subject: String,
    /// Measured value with its unit.
    pub measured: String,
    /// Comparison and threshold with its unit, such as `< 80 %`.
    pub threshold: String,
    /// What it does to the grade.
    pub effect: Effect,
    /// Where the number comes from.
    pub source: String,
    /// What is wrong and what to do, in French.
    pub message_fr: String,
    /// What is wrong and what to do, in English.
    pub message_en: String,
}

/// What the rules make of what was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Best grade that the measurements still allow, as the machine stands.
    pub grade: Grade,
    /// The same once the subjects in `remove` are out. Equal to `grade` when there are none.
    pub grade_once_removed: Grade,
    /// Parts to take out before the machine leaves.
    pub remove: Vec<String>,
    /// Rules that fired, worst effect first.
    pub caps: Vec<Cap>,
}

/// The verdict on one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Best grade that the measurements still allow, as the machine stands.
    pub grade: Grade,
    /// The same once the subjects in `remove` are out. Equal to `grade` when there are none.
    pub grade_once_removed: Grade,
    /// Parts to take out before the machine leaves.
    pub remove: Vec<String>,
    /// Rules that fired, worst effect first.
    pub caps: Vec<Cap>,
    /// What the rules were applied to.
    pub measured: Vec<Measurement>,
    /// What no measurement covers.
    pub not_checked: Vec<NotChecked>,
    /// Whether Windows 11 would install.
    pub windows_11: Windows11,
    /// Version that the rule file states.
    pub rules_version: String,
    /// SHA-256 of the rule file's bytes, lower-case hexadecimal.
    pub rules_sha256: String,
}

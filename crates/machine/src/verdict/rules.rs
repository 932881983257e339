//! The rule file: read once, checked completely, so that a wrong rule is an error and never a
//! rule that silently does not fire.
//!
//! A workshop may write its own. It cannot write away the reason for which raz exists: a file
//! that does not reject drives without a proven erasure is refused.

use super::fact::{ERASED, FactKey, KEYS, Kind};
use super::{Effect, Grade};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Checked rules with the digest of the file that they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    version: String,
    sha256: String,
    rules: Vec<Rule>,
}

/// Why a rule file was refused.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// Not TOML, or not the fields of a rule file.
    #[error("rule file cannot be read")]
    Syntax(#[source] toml::de::Error),
    /// No version, or an empty one.
    #[error("rule file has no version")]
    Version,
    /// Two rules share an id.
    #[error("rule {rule}: id is used twice")]
    Duplicate {
        /// Id of the rule.
        rule: String,
    },
    /// A text field is empty.
    #[error("rule {rule}: {field} is empty")]
    Empty {
        /// Id of the rule.
        rule: String,
        /// Name of the field.
        field: &'static str,
    },
    /// A field has a value that does not exist, or one that does not fit the rule's fact.
    #[error("rule {rule}: {field} cannot be {value}")]
    Value {
        /// Id of the rule.
        rule: String,
        /// Name of the field.
        field: &'static str,
        /// What stands there.
        value: String,
    },
    /// Drives with this fate would not be rejected.
    #[error("rule file does not reject drives that are {fate}")]
    DataMayLeave {
        /// The fate.
        fate: &'static str,
    },
}

/// What of a rule is of interest outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSummary<'a> {
    /// Id.
    pub id: &'a str,
    /// Key of the fact that it asks for.
    pub fact: &'a str,
    /// What it does.
    pub effect: Effect,
    /// Where the number comes from.
    pub source: &'a str,
    /// In French.
    pub message_fr: &'a str,
    /// In English.
    pub message_en: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub id: String,
    pub fact: &'static FactKey,
    pub compare: Compare,
    pub threshold: Threshold,
    pub rotating_only: bool,
    pub effect: Effect,
    pub source: String,
    pub message_fr: String,
    pub message_en: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    AtLeast,
    Above,
    Below,
    /// Any bit of the mask.
    Bits,
    Is,
}

impl Compare {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::Above => ">",
            Self::Below => "<",
            Self::Bits => "bits",
            Self::Is => "is",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Threshold {
    Flag(bool),
    Number(i64),
    Word(String),
}

/// Fates that every rule file must reject.
const FATES_REJECTED: [&str; 3] = ["not-proven", "not-erased", "not-seen"];

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    #[serde(rename = "rule", default)]
    rules: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    axis: String,
    fact: String,
    compare: String,
    threshold: Threshold,
    applies_to: Option<String>,
    effect: String,
    source: String,
    message_fr: String,
    message_en: String,
}

impl Rules {
    /// The rules that raz ships with.
    ///
    /// # Panics
    /// Never in a build whose tests passed: the file is part of the program.
    #[must_use]
    pub fn shipped() -> Self {
        Self::parse(include_str!("../../rules/verdict.toml"))
            .expect("the shipped rule file was checked when raz was built")
    }

    /// Reads and checks a rule file.
    ///
    /// # Errors
    /// The first thing that is wrong, with the rule's id.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let file: File = toml::from_str(text).map_err(RuleError::Syntax)?;
        if file.version.trim().is_empty() {
            return Err(RuleError::Version);
        }
        let mut rules: Vec<Rule> = Vec::with_capacity(file.rules.len());
        for written in file.rules {
            let rule = check(written)?;
            if rules.iter().any(|other| other.id == rule.id) {
                return Err(RuleError::Duplicate { rule: rule.id });
            }
            rules.push(rule);
        }
        for fate in FATES_REJECTED {
            let rejects = |rule: &Rule| {
                *rule.fact == ERASED
                    && rule.threshold == Threshold::Word(fate.to_owned())
                    && rule.effect == Effect::Cap(Grade::Parts)
                    && !rule.rotating_only
            };
            if !rules.iter().any(rejects) {
                return Err(RuleError::DataMayLeave { fate });
            }
        }
        Ok(Self {
            version: file.version,
            sha256: hex::encode(Sha256::digest(text)),
            rules,
        })
    }

    /// Version that the file states.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// SHA-256 of the file's bytes, lower-case hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The rules in the order of the file.
    pub fn list(&self) -> impl Iterator<Item = RuleSummary<'_>> {
        self.rules.iter().map(|rule| RuleSummary {
            id: &rule.id,
            fact: rule.fact.key,
            effect: rule.effect,
            source: &rule.source,
            message_fr: &rule.message_fr,
            message_en: &rule.message_en,
        })
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }
}

fn check(written: Written) -> Result<Rule, RuleError> {
    let Written {
        id,
        axis,
        fact,
        compare,
        threshold,
        applies_to,
        effect,
        ..
    } = written;
    let wrong = |field, value: &str| RuleError::Value {
        rule: id.clone(),
        field,
        value: value.into(),
    };

    let texts = [
        ("id", &id),
        ("source", &written.source),
        ("message_fr", &written.message_fr),
        ("message_en", &written.message_en),
    ];
    for (field, text) in texts {
        if text.trim().is_empty() {
            return Err(RuleError::Empty {
                rule: id.clone(),
                field,
            });
        }
    }

    let fact = *KEYS
        .iter()
        .find(|key| key.key == fact)
        .ok_or_else(|| wrong("fact", &fact))?;
    if axis != fact.axis.as_str() {
        return Err(wrong("axis", &axis));
    }
    let compare = [
        Compare::AtLeast,
        Compare::Above,
        Compare::Below,
        Compare::Bits,
        Compare::Is,
    ]
    .into_iter()
    .find(|known| known.as_str() == compare)
    .ok_or_else(|| wrong("compare", &compare))?;
    let fits = match (fact.kind, compare, &threshold) {
        (
            Kind::Number,
            Compare::AtLeast | Compare::Above | Compare::Below,
            Threshold::Number(_),
        ) => true,
        (Kind::Number, Compare::Bits, Threshold::Number(mask)) => *mask > 0,
        (Kind::Flag, Compare::Is, Threshold::Flag(_)) => true,
        (Kind::Word(words), Compare::Is, Threshold::Word(word)) => words.contains(&word.as_str()),
        (Kind::Number | Kind::Flag | Kind::Word(_), _, _) => false,
    };
    if !fits {
        let value = match &threshold {
            Threshold::Flag(flag) => flag.to_string(),
            Threshold::Number(number) => number.to_string(),
            Threshold::Word(word) => word.clone(),
        };
        return Err(wrong("threshold", &format!("{} {value}", compare.as_str())));
    }
    let rotating_only = match applies_to.as_deref() {
        None => false,
        Some("rotating") => true,
        Some(other) => return Err(wrong("applies_to", other)),
    };
    let grades = [Grade::A, Grade::B, Grade::C, Grade::D, Grade::Parts];
    let effect = grades
        .into_iter()
        .map(Effect::Cap)
        .chain([Effect::Note])
        .find(|known| known.as_str() == effect)
        .ok_or_else(|| wrong("effect", &effect))?;
    Ok(Rule {
        fact,
        compare,
        threshold,
        rotating_only,
        effect,
        source: written.source,
        message_fr: written.message_fr,
        message_en: written.message_en,
        id,
    })
}

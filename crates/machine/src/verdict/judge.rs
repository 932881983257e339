//! Rules applied to facts.

use super::drive_health::DriveHealth;
use super::fact::{MACHINE, Measurement, Value, measure, of_health};
use super::rules::{Compare, Rule, Rules, Threshold};
use super::{Cap, Effect, Grade, Judgement, Verdict, not_checked, windows_11};
use crate::facts::MachineFacts;

impl Rules {
    /// Grades one machine with its drives.
    #[must_use]
    pub fn judge(&self, machine: &MachineFacts, drives: &[DriveHealth]) -> Verdict {
        let measured = measure(machine, drives);
        let Judgement {
            grade,
            grade_once_removed,
            remove,
            caps,
        } = self.apply(&measured);
        Verdict {
            grade,
            grade_once_removed,
            remove,
            caps,
            measured,
            not_checked: not_checked::list(machine, drives),
            windows_11: windows_11::judge(machine),
            rules_version: self.version().to_owned(),
            rules_sha256: self.sha256().to_owned(),
        }
    }

    /// Grades one drive by its health alone, whatever became of its data: for what other tools say of
    /// it, which do not know that.
    #[must_use]
    pub fn judge_health(&self, drive: &DriveHealth) -> Judgement {
        self.apply(&of_health(drive))
    }

    /// Applies the rules to what was measured, now or in an earlier run.
    #[must_use]
    pub fn apply(&self, measured: &[Measurement]) -> Judgement {
        let mut caps: Vec<Cap> = measured.iter().flat_map(|known| self.caps(known)).collect();
        caps.sort_by_key(|cap| std::cmp::Reverse(severity(cap.effect)));

        let part = |cap: &&Cap| cap.axis.has_removable_parts() && cap.subject != MACHINE;
        let mut remove: Vec<String> = Vec::new();
        for cap in caps.iter().filter(part) {
            if cap.effect == Effect::Cap(Grade::Parts) && !remove.contains(&cap.subject) {
                remove.push(cap.subject.clone());
            }
        }
        let stays = caps
            .iter()
            .filter(|cap| !(part(cap) && remove.contains(&cap.subject)));
        Judgement {
            grade: worst(caps.iter()),
            grade_once_removed: worst(stays),
            remove,
            caps,
        }
    }

    /// Rules that fire on one fact. Steps of one scale (below 80, below 60, below 50) all hold
    /// for the worst value, and only the strictest says something; bits are separate statements.
    fn caps(&self, known: &Measurement) -> Vec<Cap> {
        let (bits, mut steps): (Vec<&Rule>, Vec<&Rule>) = self
            .rules()
            .iter()
            .filter(|rule| fires(rule, known))
            .partition(|rule| rule.compare == Compare::Bits);
        steps.sort_by_key(|rule| std::cmp::Reverse(severity(rule.effect)));
        steps.truncate(1);
        steps
            .into_iter()
            .chain(bits)
            .map(|rule| cap(rule, known))
            .collect()
    }
}

/// 0 for a note, then A to parts.
fn severity(effect: Effect) -> u8 {
    match effect {
        Effect::Note => 0,
        Effect::Cap(grade) => grade as u8 + 1,
    }
}

fn worst<'a>(caps: impl Iterator<Item = &'a Cap>) -> Grade {
    caps.filter_map(|cap| match cap.effect {
        Effect::Cap(grade) => Some(grade),
        Effect::Note => None,
    })
    .max()
    .unwrap_or(Grade::A)
}

fn fires(rule: &Rule, known: &Measurement) -> bool {
    if rule.fact != known.fact || (rule.rotating_only && known.solid_state) {
        return false;
    }
    match (rule.compare, &rule.threshold, known.value) {
        (Compare::AtLeast, Threshold::Number(limit), Value::Number(value)) => value >= *limit,
        (Compare::Above, Threshold::Number(limit), Value::Number(value)) => value > *limit,
        (Compare::Below, Threshold::Number(limit), Value::Number(value)) => value < *limit,
        (Compare::Bits, Threshold::Number(mask), Value::Number(value)) => value & mask != 0,
        (Compare::Is, Threshold::Flag(wanted), Value::Flag(value)) => value == *wanted,
        (Compare::Is, Threshold::Word(wanted), Value::Word(value)) => value == wanted,
        // `Rules::parse` lets no other pairing through, and facts have their key's kind.
        (
            Compare::AtLeast | Compare::Above | Compare::Below | Compare::Bits | Compare::Is,
            _,
            _,
        ) => false,
    }
}

fn cap(rule: &Rule, known: &Measurement) -> Cap {
    let with_unit = |text: String| match known.fact.unit {
        "" => text,
        unit => format!("{text} {unit}"),
    };
    let bits = rule.compare == Compare::Bits;
    let measured = match known.value {
        Value::Number(value) if bits => format!("{value:#04x}"),
        Value::Number(value) => with_unit(value.to_string()),
        Value::Flag(flag) => flag.to_string(),
        Value::Word(word) => word.to_owned(),
    };
    let threshold = match &rule.threshold {
        Threshold::Number(mask) if bits => format!("{mask:#04x}"),
        Threshold::Number(limit) => with_unit(limit.to_string()),
        Threshold::Flag(flag) => flag.to_string(),
        Threshold::Word(word) => word.clone(),
    };
    Cap {
        rule: rule.id.clone(),
        axis: rule.fact.axis,
        subject: known.subject.clone(),
        measured,
        threshold: format!("{} {threshold}", rule.compare.as_str()),
        effect: rule.effect,
        source: rule.source.clone(),
        message_fr: rule.message_fr.clone(),
        message_en: rule.message_en.clone(),
    }
}

//! Whether a session may erase without a person at the machine: a pure function of what is known.
//!
//! Two keys: `raz.auto=erase` makes the plan, a person's arming in the inventory lets it begin. The
//! countdown is neither; it gives someone beside the machine the time to stop it, so it needs a
//! terminal that shows it. The arming must stand while it runs, and be confirmed once more when it
//! has run out.

use crate::i18n::Words;
use std::time::{Duration, Instant};

/// An answer of the service stands for so long. Beyond it, what was armed may have been withdrawn
/// without our hearing of it.
pub const ANSWER_STANDS: Duration = Duration::from_secs(60);

/// What the service is asked: may these drives of this machine be erased unattended?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The machine's name towards the service.
    pub machine: String,
    /// Ids of the drives in the plan.
    pub ids: Vec<String>,
}

/// The service's word on a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was asked.
    pub wish: Wish,
    /// When it was asked.
    pub asked: Instant,
    /// What it said.
    pub verdict: Verdict,
}

/// Armed or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Armed until then, on this machine's monotonic clock and in the service's words.
    Armed {
        /// When the arming ends here.
        until: Instant,
        /// When it ends by the service's clock.
        words: String,
    },
    /// Not armed: why.
    NotArmed(Words),
}

/// All that the decision depends on.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// `raz.auto=erase`, and in this boot no person took over and no unattended run began.
    pub auto: bool,
    /// All drives answered or had their time, and none came or left for a while.
    pub settled: bool,
    /// A terminal shows the countdown and its keys are heard.
    pub terminal: bool,
    /// What speaks against it, in words: arguments, the boot medium, no drives.
    pub against: &'a [Words],
    /// The machine's name, if it has one that no other machine shares.
    pub machine: Option<&'a str>,
    /// Ids of the drives that would be erased now.
    pub ids: &'a [String],
    /// The last answer of the service.
    pub answer: Option<&'a Answer>,
    /// Now.
    pub now: Instant,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: it was not asked for, or a person took over.
    Off,
    /// Nothing yet: drives still come.
    Settle,
    /// Not possible; these are the reasons, of which the missing terminal is told apart.
    Against {
        /// In words.
        reasons: Vec<Words>,
        /// Nobody could see the countdown.
        no_terminal: bool,
        /// The machine cannot be told from others.
        no_machine: bool,
    },
    /// Ask the service and wait for a person to arm; why it is not armed, when it said so.
    Wait {
        /// What to ask.
        wish: Wish,
        /// The service's reason.
        why: Option<Words>,
    },
    /// Armed: the countdown may run.
    Armed {
        /// What was asked and is still to be asked while the countdown runs.
        wish: Wish,
        /// End of the arming here.
        until: Instant,
        /// End of the arming in the service's words.
        words: String,
        /// When the question to this answer was asked.
        asked: Instant,
    },
}

/// The decision.
#[must_use]
pub fn decide(situation: &Situation<'_>) -> Decision {
    if !situation.auto {
        return Decision::Off;
    }
    if !situation.settled {
        return Decision::Settle;
    }
    let machine = match (situation.machine, situation.terminal) {
        (Some(machine), true) if situation.against.is_empty() && !situation.ids.is_empty() => {
            machine
        }
        (machine, terminal) => {
            return Decision::Against {
                reasons: situation.against.to_vec(),
                no_terminal: !terminal,
                no_machine: machine.is_none(),
            };
        }
    };
    let wish = Wish {
        machine: machine.to_owned(),
        ids: situation.ids.to_vec(),
    };
    // An answer to another question, or an old one, says nothing about this plan.
    let stands = |answer: &&Answer| {
        answer.wish == wish && situation.now.saturating_duration_since(answer.asked) < ANSWER_STANDS
    };
    match situation.answer.filter(stands) {
        Some(Answer {
            asked,
            verdict: Verdict::Armed { until, words },
            ..
        }) if situation.now < *until => Decision::Armed {
            wish,
            until: *until,
            words: words.clone(),
            asked: *asked,
        },
        Some(Answer {
            verdict: Verdict::NotArmed(why),
            ..
        }) => Decision::Wait {
            wish,
            why: Some(why.clone()),
        },
        Some(Answer {
            verdict: Verdict::Armed { .. },
            ..
        })
        | None => Decision::Wait { wish, why: None },
    }
}

/// Whether the first write may follow a countdown that ran out at `countdown_over`: only when the
/// service said "armed" to a question that was asked after that. An earlier yes may have been
/// withdrawn while the countdown ran.
#[must_use]
pub fn may_begin(decision: &Decision, countdown_over: Instant) -> bool {
    match decision {
        Decision::Armed { asked, .. } => *asked >= countdown_over,
        Decision::Off | Decision::Settle | Decision::Against { .. } | Decision::Wait { .. } => {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ANSWER_STANDS, Answer, Decision, Situation, Verdict, Wish, decide, may_begin};
    use crate::i18n::Words;
    use std::time::{Duration, Instant};

    const SECOND: Duration = Duration::from_secs(1);

    fn wish(machine: &str, ids: &[&str]) -> Wish {
        Wish {
            machine: machine.into(),
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    fn armed(asked: Instant, seconds: u64) -> Answer {
        Answer {
            wish: wish("uuid 1", &["a", "b"]),
            asked,
            verdict: Verdict::Armed {
                until: asked + Duration::from_secs(seconds),
                words: "noon".into(),
            },
        }
    }

    /// One thing at a time is taken away from a situation in which everything is as it must be.
    #[test]
    fn every_single_condition_is_needed() {
        let now = Instant::now() + Duration::from_secs(1000);
        let ids = ["a".to_owned(), "b".to_owned()];
        let fewer = ["a".to_owned()];
        let others = ["a".to_owned(), "c".to_owned()];
        let against = [Words::verbatim("raz.keep= is odd")];
        let good = armed(now - SECOND, 3600);
        let all = Situation {
            auto: true,
            settled: true,
            terminal: true,
            against: &[],
            machine: Some("uuid 1"),
            ids: &ids,
            answer: Some(&good),
            now,
        };
        assert!(matches!(decide(&all), Decision::Armed { .. }));

        let refused = Answer {
            verdict: Verdict::NotArmed(Words::verbatim("nobody armed")),
            ..good.clone()
        };
        let other_machine = Answer {
            wish: wish("uuid 2", &["a", "b"]),
            ..good.clone()
        };
        let fewer_drives = Answer {
            wish: wish("uuid 1", &["a"]),
            ..good.clone()
        };
        let over = armed(now - SECOND, 1);
        let stale = armed(now - ANSWER_STANDS, 3600);
        let none: [String; 0] = [];
        type Change<'a> = (&'a str, Box<dyn Fn(&mut Situation<'a>) + 'a>);
        let changes: Vec<Change<'_>> = vec![
            ("no raz.auto=erase", Box::new(|s| s.auto = false)),
            ("drives still come", Box::new(|s| s.settled = false)),
            ("no terminal", Box::new(|s| s.terminal = false)),
            ("an odd argument", Box::new(|s| s.against = &against)),
            ("a machine without a name", Box::new(|s| s.machine = None)),
            ("another machine", Box::new(|s| s.machine = Some("uuid 3"))),
            ("no drive", Box::new(|s| s.ids = &none)),
            ("a drive less", Box::new(|s| s.ids = &fewer)),
            ("another drive", Box::new(|s| s.ids = &others)),
            ("no answer", Box::new(|s| s.answer = None)),
            ("not armed", Box::new(|s| s.answer = Some(&refused))),
            (
                "armed for another machine",
                Box::new(|s| s.answer = Some(&other_machine)),
            ),
            (
                "armed for fewer drives",
                Box::new(|s| s.answer = Some(&fewer_drives)),
            ),
            ("the arming is over", Box::new(|s| s.answer = Some(&over))),
            ("an old answer", Box::new(|s| s.answer = Some(&stale))),
        ];
        for (what, change) in changes {
            let mut situation = all.clone();
            change(&mut situation);
            let decision = decide(&situation);
            assert!(!matches!(decision, Decision::Armed { .. }), "{what}");
            assert!(!may_begin(&decision, now - 10 * SECOND), "{what}");
        }
    }

    #[test]
    fn reasons_are_told_apart() {
        let now = Instant::now();
        let ids = ["a".to_owned()];
        let situation = Situation {
            auto: true,
            settled: true,
            terminal: true,
            against: &[],
            machine: Some("uuid 1"),
            ids: &ids,
            answer: None,
            now,
        };
        let asks = Decision::Wait {
            wish: wish("uuid 1", &["a"]),
            why: None,
        };
        assert_eq!(decide(&situation), asks);
        let refused = Answer {
            wish: wish("uuid 1", &["a"]),
            asked: now,
            verdict: Verdict::NotArmed(Words::verbatim("full")),
        };
        let waits = Decision::Wait {
            wish: wish("uuid 1", &["a"]),
            why: Some(Words::verbatim("full")),
        };
        let heard = Situation {
            answer: Some(&refused),
            ..situation.clone()
        };
        assert_eq!(decide(&heard), waits);
        let blind = Decision::Against {
            reasons: Vec::new(),
            no_terminal: true,
            no_machine: true,
        };
        let without = Situation {
            terminal: false,
            machine: None,
            ..situation
        };
        assert_eq!(decide(&without), blind);
    }

    #[test]
    fn countdown_that_ran_out_is_no_consent() {
        let now = Instant::now() + Duration::from_secs(100);
        let ids = ["a".to_owned(), "b".to_owned()];
        let over = now - 3 * SECOND;
        for (asked, begins) in [(over - SECOND, false), (over, true), (now - SECOND, true)] {
            let answer = armed(asked, 3600);
            let decision = decide(&Situation {
                auto: true,
                settled: true,
                terminal: true,
                against: &[],
                machine: Some("uuid 1"),
                ids: &ids,
                answer: Some(&answer),
                now,
            });
            assert_eq!(may_begin(&decision, over), begins);
        }
    }
}

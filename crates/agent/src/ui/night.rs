//! The page of a machine that is to sleep, sleeps, or has woken.

use super::state::{Night, State};
use super::words::wrap;
use crate::i18n::{Text, Words, fill, sleep};

/// The page's lines; the first is its title.
pub fn lines(state: &State, night: Night, width: usize) -> Vec<String> {
    let said = |words: &Words| words.says(state.language).to_owned();
    let mut texts = match night {
        Night::Asked { drives } => vec![
            fill(state.says(Text::SleepTitle), &[&drives.to_string()]),
            String::new(),
            state.says(Text::SleepWhy).to_owned(),
        ],
        Night::Asleep => vec![state.says(Text::SleepBegins).to_owned(), String::new()],
        Night::Awake { seconds_left } => vec![
            said(&sleep::press_a_key(seconds_left)),
            String::new(),
            state.says(Text::SleepNoKey).to_owned(),
        ],
    };
    match night {
        Night::Asked { .. } | Night::Asleep => {
            texts.extend(
                sleep::before()
                    .iter()
                    .map(|words| format!("- {}", said(words))),
            );
        }
        Night::Awake { .. } => {}
    }
    if let Night::Asked { .. } = night {
        texts.push(String::new());
        texts.push(state.says(Text::SleepChoice).to_owned());
    }
    let lines = texts.iter().flat_map(|text| match text.is_empty() {
        true => vec![String::new()],
        false => wrap(text, width),
    });
    lines.collect()
}

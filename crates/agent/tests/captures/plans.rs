//! What raz says it would do to each drive.
//!
//! To renew the texts after a wanted change: `UPDATE_PLANS=1 cargo test -p agent --test captures`,
//! then read the difference.

use crate::documents;
use agent::capture::Replayed;
use agent::commands::plan::{lines, refusals_alone};
use report::capture::Capture;
use wipe::plan::{Wanted, Wishes, plan};

const LEVELS: [(&str, Wanted); 2] = [("clear", Wanted::Clear), ("purge", Wanted::Purge)];

/// Kinds of drives that must not go missing.
const KINDS_MIN: usize = 27;

fn words(capture: &Capture) -> String {
    let replayed = Replayed::new(capture).unwrap();
    let facts = replayed.facts().unwrap();
    let refusals = refusals_alone(&facts);
    let mut text = format!("{}\n", capture.what);
    for (name, level) in LEVELS {
        let wishes = Wishes {
            level,
            ..Wishes::default()
        };
        text += &format!("\n--level {name}\n");
        for line in lines(&facts, &refusals, &plan(&facts, &wishes)) {
            text += &format!("{line}\n");
        }
    }
    if !facts.oddities.is_empty() {
        text += "\nodd\n";
    }
    for oddity in &facts.oddities {
        text += &format!("    {oddity}\n");
    }
    text
}

#[test]
fn plan_for_each_captured_drive_is_the_kept_one() {
    let captures = documents::all();
    assert!(captures.len() >= KINDS_MIN, "{} kinds", captures.len());
    let changed: Vec<String> = captures
        .iter()
        .filter_map(|(name, capture)| {
            let file = format!("{name}.txt");
            documents::is_as_kept(&file, &words(capture), "UPDATE_PLANS").err()
        })
        .collect();
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

//! `raz wipe --thaw`: the machine sleeps before anything is done to a drive, and a person says that
//! it came back.

use super::Status;
use crate::i18n;
use crate::output::{self, printable, tell};
use crate::sleep::{self, Linux, Refusal};
use crate::survey::Survey;
use crate::thaw::{self, BACK_WITHIN, KEY_WITHIN, Night};
use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use drive::discover::Machine;
use drive::facts::DriveFacts;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};
use wipe::plan::Wishes;

/// How often the time left is told.
const TICK: Duration = Duration::from_secs(1);

/// What came of waiting for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Pressed,
    None,
    /// Ctrl-C.
    Stop,
}

/// Lets the machine sleep and waits for the named drives and for a key. `None` in the place of the
/// drives: the machine did not sleep, and they are as they were listed.
///
/// # Errors
/// The status to end with: a drive did not come back, or the person stopped. Nothing was written.
pub fn night(
    machine: &Machine,
    survey: &Survey,
    names: &[String],
    named: &[&DriveFacts],
    wishes: &Wishes,
) -> Result<(Night, Option<Survey>), Status> {
    let awake = |refusal: Refusal| {
        let why = i18n::sleep::refusal(&refusal).english;
        tell!("the machine does not sleep: {}", printable(&why));
        Night {
            slept: Err(refusal),
            key: false,
        }
    };
    if !io::stdin().is_terminal() {
        return Ok((awake(Refusal::NobodyThere), None));
    }
    tell!("proving that the clock's alarm goes off...");
    let slept = sleep::through(&Linux::default(), &survey.drives, || {
        for words in i18n::sleep::before() {
            tell!("{}", words.english);
        }
    });
    let slept = match slept {
        Ok(slept) => slept,
        Err(refusal) => return Ok((awake(refusal), None)),
    };
    tell!("slept for {} s and woke", slept.time.as_secs());
    let wanted: Vec<DriveFacts> = named.iter().map(|facts| (*facts).clone()).collect();
    let stopped = |why: &str| {
        tell!("{}\nnothing was written to any drive", printable(why));
        Status::Refused
    };
    let survey = thaw::back(machine, names, &wanted, BACK_WITHIN).map_err(|why| stopped(&why))?;
    let now = wanted
        .iter()
        .filter_map(|before| thaw::same(&survey.drives, before));
    let key = match thaw::needs_key(now, wishes) {
        true => wait(KEY_WITHIN),
        false => Key::None,
    };
    if key == Key::Stop {
        return Err(stopped("stopped"));
    }
    let night = Night {
        slept: Ok(slept),
        key: key == Key::Pressed,
    };
    Ok((night, Some(survey)))
}

/// Waits for a key of the terminal; what was typed while the machine slept does not count.
fn wait(patience: Duration) -> Key {
    if enable_raw_mode().is_err() {
        return Key::None;
    }
    let key = pressed(patience).unwrap_or(Key::None);
    let _ = disable_raw_mode();
    output::err(format_args!("\r\n"));
    key
}

fn pressed(patience: Duration) -> io::Result<Key> {
    while event::poll(Duration::ZERO)? {
        event::read()?;
    }
    let asks = i18n::sleep::press_a_key(patience.as_secs()).english;
    output::err(format_args!(
        "{asks}\r\nWithout one no password is set, and such drives are overwritten only.\r\n"
    ));
    let end = Instant::now() + patience;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Key::None);
        }
        output::err(format_args!("\r{} s ", left.as_secs()));
        if !event::poll(left.min(TICK))? {
            continue;
        }
        if let Event::Key(key) = event::read()?
            && key.kind != KeyEventKind::Release
        {
            let stops =
                key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
            return Ok(if stops { Key::Stop } else { Key::Pressed });
        }
    }
}

//! The console: raw mode and the alternate screen while the session lives, restored when it ends.

use crate::ui::{self, State};
use anyhow::Context;
use crossterm::event::{self, Event, KeyEvent};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use std::io::{self, IsTerminal, Stdout};
use std::time::Duration;

/// A console, or none when standard input is no terminal: the session then runs by its kernel
/// arguments alone.
pub struct Console(Option<Terminal<CrosstermBackend<Stdout>>>);

impl Console {
    /// Takes the terminal that is there.
    ///
    /// # Errors
    /// It is there and cannot be used.
    pub fn open() -> anyhow::Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(Self(None));
        }
        enable_raw_mode().context("setting the console to raw mode")?;
        // Serial terminals and the kernel's own console have no second screen, and the first drawing
        // leaves out what is blank: the kernel's messages would show through.
        crossterm::execute!(io::stdout(), EnterAlternateScreen, Clear(ClearType::All))
            .context("clearing the console")?;
        let terminal =
            Terminal::new(CrosstermBackend::new(io::stdout())).context("opening the console")?;
        Ok(Self(Some(terminal)))
    }

    /// Draws the state.
    ///
    /// # Errors
    /// The console's.
    pub fn draw(&mut self, state: &State) -> io::Result<()> {
        match &mut self.0 {
            Some(terminal) => terminal.draw(|frame| ui::draw(frame, state)).map(drop),
            None => Ok(()),
        }
    }

    /// The next key within `timeout`; without a console it only waits.
    ///
    /// # Errors
    /// The console's.
    pub fn key(&mut self, timeout: Duration) -> io::Result<Option<KeyEvent>> {
        if self.0.is_none() {
            std::thread::sleep(timeout);
            return Ok(None);
        }
        if !event::poll(timeout)? {
            return Ok(None);
        }
        match event::read()? {
            Event::Key(key) => Ok(Some(key)),
            Event::Resize(..)
            | Event::FocusGained
            | Event::FocusLost
            | Event::Mouse(_)
            | Event::Paste(_) => Ok(None),
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if self.0.is_some() {
            let _ = crossterm::execute!(io::stdout(), LeaveAlternateScreen);
            let _ = disable_raw_mode();
        }
    }
}

//! The console: raw mode and the alternate screen while the session lives, restored when it ends.
//!
//! Both directions have a thread of their own. A serial line can block a writer for ever, and the
//! key reader waits for the rest of a key of which a line's noise sent the beginning: neither may
//! hold up the session, which has drives to bring to an honest end. So the session's own thread
//! writes nothing to the terminal, not even the first and the last words.

use crate::ui::{self, State};
use anyhow::Context;
use crossterm::event::{self, Event, KeyEvent};
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use std::io::{self, IsTerminal, PipeWriter, Stdout};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A screen that has not been drawn for so long is seen by nobody.
const DRAWN_WITHIN: Duration = Duration::from_secs(5);

/// Patience with the last drawing and the giving back of the terminal.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A console, or none: standard input is no terminal, or was one that has hung up.
pub struct Console {
    screen: Option<Screen>,
    /// Keeps the pipe open that stands in for a terminal that has hung up.
    stand_in: Option<PipeWriter>,
}

struct Screen {
    easel: Arc<Easel>,
    keys: Receiver<KeyEvent>,
}

/// What the drawing thread is given.
struct Easel {
    canvas: Mutex<Canvas>,
    changed: Condvar,
}

struct Canvas {
    next: Option<State>,
    drawn: Instant,
    /// The session draws no more, or the terminal cannot be drawn on.
    closed: bool,
    /// The terminal is as it was found, as far as it takes anything.
    given_back: bool,
}

impl Console {
    /// Takes the terminal that is there.
    ///
    /// # Errors
    /// It is there and cannot be used.
    pub fn open() -> anyhow::Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(Self {
                screen: None,
                stand_in: None,
            });
        }
        enable_raw_mode().context("setting the console to raw mode")?;
        let terminal =
            Terminal::new(CrosstermBackend::new(io::stdout())).context("opening the console")?;
        let easel = Arc::new(Easel {
            canvas: Mutex::new(Canvas {
                next: None,
                drawn: Instant::now(),
                closed: false,
                given_back: false,
            }),
            changed: Condvar::new(),
        });
        let theirs = Arc::clone(&easel);
        std::thread::Builder::new()
            .name("raz-screen".into())
            .spawn(move || theirs.paint(terminal))
            .context("starting the screen's thread")?;
        let (sender, keys) = mpsc::channel();
        std::thread::Builder::new()
            .name("raz-keys".into())
            .spawn(move || read_keys(&sender))
            .context("starting the keyboard's thread")?;
        Ok(Self {
            screen: Some(Screen { easel, keys }),
            stand_in: None,
        })
    }

    /// Has the state drawn; does not wait for it.
    pub fn draw(&self, state: &State) {
        if let Some(screen) = &self.screen {
            screen.easel.lock().next = Some(state.clone());
            screen.easel.changed.notify_all();
        }
    }

    /// The next key within `timeout`; without a console it only waits.
    pub fn key(&self, timeout: Duration) -> Option<KeyEvent> {
        if let Some(screen) = &self.screen {
            match screen.keys.recv_timeout(timeout) {
                Ok(key) => return Some(key),
                Err(RecvTimeoutError::Timeout) => return None,
                // A screen without keys is as good as none.
                Err(RecvTimeoutError::Disconnected) => screen.easel.lock().closed = true,
            }
        }
        std::thread::sleep(timeout);
        None
    }

    /// What was drawn lately is on the screen.
    #[must_use]
    pub fn shows(&self) -> bool {
        self.screen.as_ref().is_some_and(|screen| {
            let canvas = screen.easel.lock();
            !canvas.closed && canvas.drawn.elapsed() < DRAWN_WITHIN
        })
    }

    /// The terminal was there and cannot be drawn on, or its keys be heard, any more.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.screen
            .as_ref()
            .is_some_and(|screen| screen.easel.lock().closed)
    }

    /// Goes on without the terminal. Its end of file would keep the key reader spinning for as
    /// long as the drives take, so a pipe that says nothing is put in its place.
    pub fn give_up(&mut self) {
        if let Some(screen) = self.screen.take() {
            screen.easel.lock().closed = true;
            screen.easel.changed.notify_all();
            if let Ok((reader, writer)) = io::pipe()
                && nix::unistd::dup2_stdin(&reader).is_ok()
            {
                self.stand_in = Some(writer);
            }
        }
    }
}

impl Easel {
    fn lock(&self) -> MutexGuard<'_, Canvas> {
        self.canvas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paint(&self, mut terminal: Terminal<CrosstermBackend<Stdout>>) {
        // Serial terminals and the kernel's own console have no second screen, and the first drawing
        // leaves out what is blank: the kernel's messages would show through.
        let cleared =
            crossterm::execute!(io::stdout(), EnterAlternateScreen, Clear(ClearType::All));
        self.lock().closed |= cleared.is_err();
        while let Some(state) = self.next() {
            let drawn = terminal.draw(|frame| ui::draw(frame, &state)).is_ok();
            let mut canvas = self.lock();
            canvas.closed |= !drawn;
            canvas.drawn = Instant::now();
        }
        // Its drop shows the cursor again.
        drop(terminal);
        let _ = crossterm::execute!(io::stdout(), LeaveAlternateScreen);
        let _ = disable_raw_mode();
        self.lock().given_back = true;
        self.changed.notify_all();
    }

    /// The next state to draw; `None` when nothing more is drawn.
    fn next(&self) -> Option<State> {
        let idle = |canvas: &mut Canvas| canvas.next.is_none() && !canvas.closed;
        let waited = self.changed.wait_while(self.lock(), idle);
        let mut canvas = waited.unwrap_or_else(PoisonError::into_inner);
        canvas.next.take().filter(|_| !canvas.closed)
    }
}

fn read_keys(sender: &Sender<KeyEvent>) {
    loop {
        match event::read() {
            Ok(Event::Key(key)) => {
                if sender.send(key).is_err() {
                    return;
                }
            }
            Ok(
                Event::Resize(..)
                | Event::FocusGained
                | Event::FocusLost
                | Event::Mouse(_)
                | Event::Paste(_),
            ) => {}
            Err(_) => return,
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let Some(screen) = &self.screen else { return };
        let mut canvas = screen.easel.lock();
        canvas.closed = true;
        screen.easel.changed.notify_all();
        let held = |canvas: &mut Canvas| !canvas.given_back;
        // A line that takes nothing keeps its writer; the session ends without it.
        let _ = screen
            .easel
            .changed
            .wait_timeout_while(canvas, LAST_WORDS, held);
    }
}

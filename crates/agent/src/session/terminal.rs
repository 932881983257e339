//! The console: raw mode and the alternate screen while the session lives, restored when it ends.
//!
//! Both directions have a thread of their own. A serial line can block a writer for ever, and the
//! key reader waits for the rest of a key of which a line's noise sent the beginning: neither may
//! hold up the session, which has drives to bring to an honest end.

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

/// Patience with the last drawing before the terminal is given back.
const LAST_DRAWING: Duration = Duration::from_secs(1);

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
    drawing: bool,
    drawn: Instant,
    /// The session draws no more, or the terminal cannot be drawn on.
    closed: bool,
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
        // Serial terminals and the kernel's own console have no second screen, and the first drawing
        // leaves out what is blank: the kernel's messages would show through.
        crossterm::execute!(io::stdout(), EnterAlternateScreen, Clear(ClearType::All))
            .context("clearing the console")?;
        let terminal =
            Terminal::new(CrosstermBackend::new(io::stdout())).context("opening the console")?;
        let easel = Arc::new(Easel {
            canvas: Mutex::new(Canvas {
                next: None,
                drawing: false,
                drawn: Instant::now(),
                closed: false,
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
        loop {
            let idle = |canvas: &mut Canvas| canvas.next.is_none() && !canvas.closed;
            let waited = self.changed.wait_while(self.lock(), idle);
            let mut canvas = waited.unwrap_or_else(PoisonError::into_inner);
            let Some(state) = canvas.next.take().filter(|_| !canvas.closed) else {
                return;
            };
            canvas.drawing = true;
            drop(canvas);
            let drawn = terminal.draw(|frame| ui::draw(frame, &state)).is_ok();
            let mut canvas = self.lock();
            canvas.drawing = false;
            canvas.closed |= !drawn;
            canvas.drawn = Instant::now();
            drop(canvas);
            self.changed.notify_all();
        }
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
        let broken = canvas.closed;
        canvas.closed = true;
        screen.easel.changed.notify_all();
        let busy = |canvas: &mut Canvas| canvas.drawing;
        let waited = screen
            .easel
            .changed
            .wait_timeout_while(canvas, LAST_DRAWING, busy);
        let (canvas, _) = waited.unwrap_or_else(PoisonError::into_inner);
        // A writer that is stuck in the terminal would hold this one up as well.
        if !broken && !canvas.drawing {
            drop(canvas);
            let _ = crossterm::execute!(io::stdout(), LeaveAlternateScreen);
            let _ = disable_raw_mode();
        }
    }
}

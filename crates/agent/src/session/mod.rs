//! The console program of the image: looks, plans, asks for consent, erases, reports, uploads.
//!
//! One loop on one thread owns all state; everything that can block (drives, network, the terminal
//! itself) is on a thread of its own and speaks through a channel. What a key means is decided in
//! `ui`, what may be erased in `drive`, what was proven in `wipe`, whether nobody need be there in
//! `unattended`; here is only the order of things.

mod boot;
mod finish;
#[cfg(test)]
mod french;
mod keeper;
mod ledgers;
mod listing;
mod look;
mod plugged;
mod rows;
mod running;
mod sending;
mod service;
mod sleeping;
mod temperature;
mod terminal;
mod unattended;
mod words;

use crate::arguments::Arguments;
use crate::cli;
use crate::commands::Status;
use crate::compose::Run;
use crate::events::{self, Events};
use crate::i18n::{Language, Words};
use crate::keyboard::Layout;
use crate::survey::Survey;
use crate::thaw::Thaw;
use crate::ui::{self, Action, Mode, State};
use crate::upload::client::Client;
use crate::upload::spool::{Entry, EntryState, Spool};
use crate::work::{Order, Work};
use anyhow::Context;
use boot::Attended;
use drive::claim::Claimed;
use drive::discover::Machine;
use drive::facts::DriveFacts;
use drive::refusal::{PlanKind, Refusal};
use drive::unseen::Unseen;
use finish::{End, Place};
use keeper::Keeper;
use ledgers::Ledgers;
use look::Look;
use machine::MachineFacts;
use plugged::Plugged;
use report::event::Event;
use report::schema::{Clock, ClockState};
use report::sign::StationKey;
use sending::Upload;
use service::{News, Wishes};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::collections::HashMap;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use temperature::Temperatures;
use terminal::Console;
use unattended::{Answer, Wish};
use uuid::Uuid;

/// Longest wait for a key: the rate at which the screen changes.
const TICK: Duration = Duration::from_millis(100);

/// Runs `raz session` until the machine is switched off, the process is told to end, or its
/// terminal is gone. Drives under erasure are brought to their end and reported first.
///
/// # Errors
/// What keeps the session from beginning.
pub fn run(options: &cli::Session) -> anyhow::Result<Status> {
    if let Some(tty) = &options.tty {
        sys::console::take(tty)
            .with_context(|| format!("{}: taking the console", tty.display()))?;
    }
    let flag = |signals: &[i32]| -> anyhow::Result<Arc<AtomicBool>> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in signals {
            signal_hook::flag::register(*signal, Arc::clone(&flag))
                .context("watching for signals")?;
        }
        Ok(flag)
    };
    let ended = flag(&[SIGTERM, SIGINT])?;
    let hung_up = flag(&[SIGHUP])?;
    let mut session = Session::begin(options)?;
    let mut console = Console::open()?;
    let mut gone = false;
    loop {
        console.draw(&session.state);
        if let Some(key) = console.key(TICK) {
            session.key(key);
        }
        if !gone && (hung_up.load(Ordering::Relaxed) || console.is_broken()) {
            gone = true;
            console.give_up();
        }
        session.shown = console.shows();
        session.tick();
        let told = ended.load(Ordering::Relaxed);
        if told {
            session.cancel.store(true, Ordering::Relaxed);
        }
        if (told || gone) && !session.has_drives() {
            return Ok(session.status());
        }
    }
}

/// Where the session is.
enum Stage {
    /// Drives are listed; plans may change.
    Listing,
    /// Consent is there; the machine is to sleep first, so that frozen drives thaw.
    Sleeping {
        orders: Vec<Order>,
        kind: PlanKind,
        step: sleeping::Step,
    },
    /// Consent is there; any key stops.
    Countdown {
        began: Instant,
        length: Duration,
        orders: Vec<Order>,
        kind: PlanKind,
    },
    /// Drives are being claimed; any key still stops.
    Claiming {
        orders: Vec<Order>,
        kind: PlanKind,
        claims: Receiver<Vec<(Order, Result<Claimed, String>)>>,
    },
    /// Drives are being written and read.
    Running {
        work: Work,
        runs: Vec<Run>,
        kind: PlanKind,
    },
    /// The runs are over.
    Done {
        runs: Vec<Run>,
        /// Their report, unless it could not be made.
        report: Option<Uuid>,
        place: Place,
        end: End,
        kind: PlanKind,
    },
}

/// All that the session holds.
pub struct Session {
    machine: Machine,
    arguments: Arguments,
    key: Arc<StationKey>,
    client: Option<Arc<Client>>,
    spool: Spool,
    events: Option<Events>,
    state: State,
    stage: Stage,
    /// A terminal shows the state.
    shown: bool,
    looking: Option<Receiver<Look>>,
    /// When the last look ended.
    looked: Instant,
    survey: Option<Survey>,
    facts: Option<MachineFacts>,
    names: Vec<String>,
    names_since: Instant,
    /// The unattended plan still stands: nobody stopped it, and it had no run yet.
    auto: bool,
    attended: Attended,
    wishes: Wishes,
    news: Receiver<News>,
    arming: Option<Answer>,
    station_name: String,
    clock_offset_seconds: Option<i64>,
    cancel: Arc<AtomicBool>,
    temperatures: Temperatures,
    ledgers: Ledgers,
    keeper: Keeper,
    plugged: Plugged,
    /// What the last sleep of the machine made of drives, by id.
    thaws: HashMap<String, Thaw>,
    upload: Option<Upload>,
    /// What uploads tell, also one that was followed by another.
    uploads: (Sender<sending::Told>, Receiver<sending::Told>),
    /// P was typed once while a report was not sent.
    power_off_asked: bool,
    told: Told,
}

/// What the event stream was told last, to tell changes only.
#[derive(Default)]
struct Told {
    waiting: String,
    countdown: u64,
    plan: Vec<String>,
    phases: HashMap<String, (String, u32)>,
    progress: HashMap<String, Instant>,
}

impl Session {
    fn begin(options: &cli::Session) -> anyhow::Result<Self> {
        let line = std::fs::read(&options.arguments)
            .with_context(|| format!("{}: reading", options.arguments.display()))?;
        let file = match std::fs::read(&options.configuration) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            file => {
                Some(file.with_context(|| format!("{}: reading", options.configuration.display()))?)
            }
        };
        let arguments = Arguments::parse(file.as_deref(), &line);
        if let Some(parent) = options.spool.parent() {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("{}: making the folder", parent.display()))?;
        }
        let spool = Spool::open(&options.spool).context("opening the spool")?;
        let key = Arc::new(boot::key(options.key.as_deref(), &options.spool)?);
        let (sender, news) = mpsc::channel();
        let wishes = Wishes::default();
        let client = match (&arguments.server, arguments.pin) {
            (Some(server), Some(pin)) => {
                let client = Client::new(server.clone(), pin).context("preparing the upload")?;
                Some(Arc::new(client))
            }
            (Some(_) | None, _) => None,
        };
        if let Some(client) = &client {
            let token = arguments.token.clone();
            service::start(
                Arc::clone(client),
                Arc::clone(&key),
                token,
                Arc::clone(&wishes),
                sender,
            )
            .context("starting the service's thread")?;
        }
        let language = arguments.language.unwrap_or_default();
        // Outside of the image there are no tables, and the keyboard is somebody's.
        if options.keys.is_dir() {
            let layout = arguments.keyboard.unwrap_or(Layout::of(language));
            if let Err(error) = layout.set(&options.keys, std::io::stdin().as_fd()) {
                // Another layout than the printed one is no reason not to start.
                crate::output::tell!("{error:#}");
            }
        }
        let mut state = State {
            language,
            reading: true,
            ..State::default()
        };
        state.header.version = env!("CARGO_PKG_VERSION").into();
        state.header.fingerprint = key.fingerprint();
        if client.is_some() {
            state.header.service = ui::Service::Connecting;
        }
        let machine = Machine::this();
        let keeper = Keeper::new(&options.spool, &spool, &machine.roots, file)
            .context("opening the spool of what is found")?;
        let attended = Attended::of(&options.spool, &machine.roots.proc);
        let plugged = Plugged::of(&machine.roots.proc);
        let mut session = Self {
            auto: arguments.auto_erase && !attended.is_set(),
            attended,
            machine,
            shown: false,
            power_off_asked: false,
            events: None,
            key,
            client,
            spool,
            state,
            stage: Stage::Listing,
            looking: None,
            looked: Instant::now(),
            survey: None,
            facts: None,
            names: Vec::new(),
            names_since: Instant::now(),
            wishes,
            news,
            arming: None,
            station_name: "unnamed".into(),
            clock_offset_seconds: None,
            cancel: Arc::new(AtomicBool::new(false)),
            temperatures: Temperatures::default(),
            ledgers: Ledgers::default(),
            keeper,
            plugged,
            thaws: HashMap::new(),
            upload: None,
            uploads: mpsc::channel(),
            told: Told::default(),
            arguments,
        };
        session.open_events();
        session.looking = Some(look::begin(&session.machine, true));
        // Reports of a session before this one, which fell before they were sent.
        if session
            .spool
            .unsent()
            .is_ok_and(|unsent| !unsent.is_empty())
        {
            session.send_reports();
        }
        Ok(session)
    }

    /// Events are for watchers: without them the session goes on and says so.
    fn open_events(&mut self) {
        if let Some(port) = &self.arguments.events {
            match Events::open(port, &events::Roots::default()) {
                Ok(events) => self.events = Some(events),
                Err(error) => self.say(&words::no_events(&error)),
            }
        }
        self.send(Event::Started {
            version: env!("CARGO_PKG_VERSION").into(),
            fingerprint: self.key.fingerprint(),
        });
    }

    fn send(&self, event: Event) {
        if let Some(events) = &self.events {
            events.send(event);
        }
    }

    fn language(&self) -> Language {
        self.state.language
    }

    /// What kind of plan the listing shows.
    fn kind(&self) -> PlanKind {
        let drives = self.survey.as_ref().map_or(0, |survey| survey.drives.len());
        PlanKind {
            unattended: self.auto,
            several: self.auto || drives > 1,
            removable_allowed: !self.auto || self.arguments.removable_erase,
            networked_allowed: false,
        }
    }

    fn drives(&self, kind: PlanKind) -> Vec<(DriveFacts, Vec<Refusal>)> {
        self.survey
            .as_ref()
            .map(|survey| survey.with_refusals(&self.arguments.keep, kind))
            .unwrap_or_default()
    }

    /// Where data may be beside the drives.
    fn unseen(&self) -> &[Unseen] {
        self.survey.as_ref().map_or(&[], |survey| &survey.unseen)
    }

    /// Drives are claimed or being written: the session must not end.
    fn has_drives(&self) -> bool {
        match self.stage {
            Stage::Claiming { .. } | Stage::Running { .. } => true,
            Stage::Listing
            | Stage::Sleeping { .. }
            | Stage::Countdown { .. }
            | Stage::Done { .. } => false,
        }
    }

    fn key(&mut self, key: crossterm::event::KeyEvent) {
        let action = ui::handle_key(&mut self.state, key);
        // The screen says "running" already, but nothing is written before all claims are in.
        if matches!(self.stage, Stage::Claiming { .. }) {
            self.stop();
        }
        if let Some(action) = action {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        self.power_off_asked &= action == Action::PowerOff;
        match action {
            Action::Select { .. }
            | Action::Deselect { .. }
            | Action::SelectAll { .. }
            | Action::BeginConfirm
            | Action::Consented { .. } => self.by_hand(),
            Action::CancelConfirm => {
                self.leave_night();
                self.by_hand();
            }
            Action::Sleep => self.go_to_sleep(),
            Action::StayAwake => self.stay_awake(),
            Action::Awake => self.key_after_sleep(),
            Action::StartErase { ids } => self.start_by_hand(&ids),
            Action::Stop => self.stop(),
            Action::Language => {
                self.show_machine();
                self.show_rows();
                self.show_plans();
                self.show_outcomes();
                self.show_end();
            }
            Action::PowerOff => self.power_off(),
        }
    }

    /// A person at the machine took over: what follows needs his consent, also after a restart of
    /// the session.
    fn by_hand(&mut self) {
        if self.auto {
            self.auto = false;
            self.wish(None);
            self.show_rows();
            if let Err(error) = self.attended.set() {
                self.state.message = Some(format!("raz.auto=erase: {error}"));
            }
        }
    }

    fn stop(&mut self) {
        match self.stage {
            Stage::Countdown { .. } => {
                self.by_hand();
                self.back_to_listing(words::countdown_stopped());
            }
            Stage::Claiming { .. } | Stage::Running { .. } => {
                self.cancel.store(true, Ordering::Relaxed);
            }
            Stage::Listing | Stage::Sleeping { .. } | Stage::Done { .. } => {}
        }
    }

    fn back_to_listing(&mut self, message: Words) {
        self.stage = Stage::Listing;
        self.state.mode = Mode::Listing;
        self.told.countdown = 0;
        self.told.waiting.clone_from(&message.english);
        self.send(Event::Waiting {
            reason: message.english.clone(),
        });
        self.say(&message);
    }

    fn say(&mut self, words: &Words) {
        self.state.message = Some(words.says(self.language()).to_owned());
    }

    fn power_off(&mut self) {
        let safe =
            |entry: &Entry| entry.state == EntryState::Sent || self.keeper.has(entry.report_id);
        let all_safe = self.spool.entries().is_ok_and(|all| all.iter().all(safe));
        if !all_safe && !std::mem::replace(&mut self.power_off_asked, true) {
            self.say(&words::power_off_loses_report());
            return;
        }
        self.switch_off();
    }

    fn switch_off(&mut self) {
        if self.waits_for_stick() {
            self.say(&words::waits_for_stick());
            return;
        }
        if let Some(events) = &self.events {
            let _ = events.flush(Duration::from_secs(2));
        }
        let Err(error) = sys::power::power_off();
        self.say(&words::cannot_power_off(&error.to_string()));
    }

    fn tick(&mut self) {
        self.hear_look();
        self.hear_news();
        self.hear_upload();
        self.tick_ledgers();
        self.tick_keeper();
        self.tick_plugged();
        match self.stage {
            Stage::Listing => self.tick_listing(),
            Stage::Sleeping { .. } => self.tick_sleeping(),
            Stage::Countdown { .. } => self.tick_countdown(),
            Stage::Claiming { .. } => self.tick_claiming(),
            Stage::Running { .. } => self.tick_running(),
            Stage::Done { .. } => {}
        }
    }

    fn hear_news(&mut self) {
        while let Ok(news) = self.news.try_recv() {
            match news {
                News::Service {
                    state,
                    detail,
                    name,
                } => {
                    self.state.header.service = state;
                    if let Some(name) = name {
                        self.station_name = name;
                    }
                    self.send(Event::Service {
                        state: state.word().into(),
                        detail,
                    });
                }
                News::ClockOffset(seconds) => self.clock_offset_seconds = Some(seconds),
                News::Arming(answer) => self.arming = Some(answer),
            }
        }
    }

    fn wish(&mut self, wish: Option<Wish>) {
        if wish.is_none() {
            self.arming = None;
        }
        *self.wishes.lock().unwrap_or_else(PoisonError::into_inner) = wish;
    }

    fn clock(&self) -> Clock {
        Clock {
            state: match self.clock_offset_seconds {
                Some(_) => ClockState::Compared,
                None => ClockState::Unsynchronised,
            },
            offset_seconds: self.clock_offset_seconds,
        }
    }
}

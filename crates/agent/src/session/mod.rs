//! The console program of the image: looks, plans, asks for consent, erases, reports, uploads.
//!
//! One loop on one thread owns all state; everything that can block (drives, network) is on a
//! thread of its own and speaks through a channel. What a key means is decided in `ui`, what may
//! be erased in `drive`, what was proven in `wipe`; here is only the order of things.
//!
//! Unattended (`raz.auto=erase`) needs two keys: the argument makes the plan, the service's word
//! that a person armed this enrolment lets it begin. A countdown that any key stops precedes the
//! first write in every case; running out is not consent, it follows consent.

mod finish;
mod look;
mod rows;
mod service;
mod terminal;
mod words;

use crate::arguments::Arguments;
use crate::cli;
use crate::commands::Status;
use crate::compose::{self, Run};
use crate::events::{self, Events};
use crate::i18n::Language;
use crate::survey::Survey;
use crate::ui::{self, Action, Mode, State};
use crate::upload::client::Client;
use crate::upload::spool::Spool;
use crate::work::{self, Order, Work};
use anyhow::Context;
use drive::claim::{Claimed, Consent, ConsentSource};
use drive::discover::Machine;
use drive::facts::DriveFacts;
use drive::refusal::{PlanKind, Refusal};
use finish::Upload;
use look::Look;
use machine::MachineFacts;
use report::event::Event;
use report::schema::{Clock, ClockState};
use report::sign::StationKey;
use service::{News, Verdict, Wish, Wishes};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use terminal::Console;
use wipe::options::Options;
use wipe::plan::{self, Plan};

/// Longest wait for a key: the rate at which the screen changes.
const TICK: Duration = Duration::from_millis(100);
/// Countdown before an unattended run and before one that a person confirmed.
const COUNTDOWN_UNATTENDED: Duration = Duration::from_secs(10);
const COUNTDOWN_ATTENDED: Duration = Duration::from_secs(5);
/// Block devices must not have changed for so long before an unattended plan stands: USB drives
/// appear late.
const QUIET: Duration = Duration::from_secs(4);
/// Pause between two progress events of a drive.
const PROGRESS_EVENTS: Duration = Duration::from_secs(1);

/// Runs `raz session` until the machine is switched off or the process is told to end.
///
/// # Errors
/// What keeps the session from beginning.
pub fn run(options: &cli::Session) -> anyhow::Result<Status> {
    if let Some(tty) = &options.tty {
        sys::console::take(tty)
            .with_context(|| format!("{}: taking the console", tty.display()))?;
    }
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&ended)).context("watching for signals")?;
    }
    let mut session = Session::begin(options)?;
    let mut console = Console::open()?;
    loop {
        console.draw(&session.state).context("drawing the screen")?;
        if let Some(key) = console.key(TICK).context("reading the keyboard")?
            && let Some(action) = ui::handle_key(&mut session.state, key)
        {
            session.act(action);
        }
        session.tick();
        if ended.load(Ordering::Relaxed) {
            session.cancel.store(true, Ordering::Relaxed);
            if !matches!(session.stage, Stage::Running { .. }) {
                return Ok(session.status());
            }
        }
    }
}

/// Where the session is.
enum Stage {
    /// Drives are listed; plans may change.
    Listing,
    /// Consent is there; any key stops.
    Countdown {
        begins: Instant,
        orders: Vec<Order>,
        kind: PlanKind,
    },
    /// Drives are being claimed.
    Claiming {
        orders: Vec<Order>,
        claims: Receiver<Vec<Result<Claimed, String>>>,
    },
    /// Drives are being written and read.
    Running { work: Work, runs: Vec<Run> },
    /// The report is made.
    Done { runs: Vec<Run> },
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
    looking: Option<Receiver<Look>>,
    survey: Option<Survey>,
    facts: Option<MachineFacts>,
    names: Vec<String>,
    names_since: Instant,
    /// The unattended plan still stands: nobody stopped it.
    auto: bool,
    wishes: Wishes,
    news: Receiver<News>,
    arming: Option<Verdict>,
    station_name: String,
    clock_offset_seconds: Option<i64>,
    cancel: Arc<AtomicBool>,
    upload: Option<Upload>,
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
        let arguments = Arguments::parse(&line);
        let key = Arc::new(match &options.key {
            Some(file) => StationKey::read(file)
                .with_context(|| format!("{}: reading the station's key", file.display()))?,
            None => StationKey::generate().context("making the station's key")?,
        });
        if let Some(parent) = options.spool.parent() {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("{}: making the folder", parent.display()))?;
        }
        let spool = Spool::open(&options.spool).context("opening the spool")?;
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
        let mut state = State {
            language,
            ..State::default()
        };
        state.header.version = env!("CARGO_PKG_VERSION").into();
        state.header.fingerprint = key.fingerprint();
        if client.is_some() {
            state.header.service = ui::Service::Connecting;
        }
        let mut session = Self {
            machine: Machine::this(),
            auto: arguments.auto_erase,
            events: None,
            key,
            client,
            spool,
            state,
            stage: Stage::Listing,
            looking: None,
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
            upload: None,
            told: Told::default(),
            arguments,
        };
        session.open_events();
        session.state.message = Some(words::looking(language));
        session.looking = Some(look::begin(&session.machine, true));
        Ok(session)
    }

    /// Events are for watchers: without them the session goes on and says so.
    fn open_events(&mut self) {
        if let Some(port) = &self.arguments.events {
            match Events::open(port, &events::Roots::default()) {
                Ok(events) => self.events = Some(events),
                Err(error) => self.state.message = Some(error.to_string()),
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
        }
    }

    fn drives(&self, kind: PlanKind) -> Vec<(DriveFacts, Vec<Refusal>)> {
        self.survey
            .as_ref()
            .map(|survey| survey.with_refusals(&self.arguments.keep, kind))
            .unwrap_or_default()
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Select { .. }
            | Action::Deselect { .. }
            | Action::SelectAll { .. }
            | Action::BeginConfirm
            | Action::Consented { .. }
            | Action::CancelConfirm => self.by_hand(),
            Action::StartErase { ids } => self.start_by_hand(&ids),
            Action::Stop => self.stop(),
            Action::Language => self.show_rows(),
            Action::PowerOff => self.power_off(),
        }
    }

    /// A person at the machine took over: what follows needs his consent.
    fn by_hand(&mut self) {
        if self.auto {
            self.auto = false;
            self.wish(None);
            self.show_rows();
        }
    }

    fn stop(&mut self) {
        match self.stage {
            Stage::Countdown { .. } => {
                self.by_hand();
                self.back_to_listing(words::countdown_stopped(self.language()));
            }
            Stage::Claiming { .. } | Stage::Running { .. } => {
                self.cancel.store(true, Ordering::Relaxed);
            }
            Stage::Listing | Stage::Done { .. } => {}
        }
    }

    fn back_to_listing(&mut self, message: String) {
        self.stage = Stage::Listing;
        self.state.mode = Mode::Listing;
        self.told.countdown = 0;
        self.send(Event::Waiting {
            reason: message.clone(),
        });
        self.state.message = Some(message);
    }

    fn power_off(&mut self) {
        let unsent = self.spool.unsent().is_ok_and(|unsent| !unsent.is_empty());
        let warning = words::power_off_loses_report(self.language());
        if unsent && self.state.message.as_ref() != Some(&warning) {
            // The key cleared the message before: the warning is kept aside in `upload`.
            if let Some(upload) = &mut self.upload
                && std::mem::replace(&mut upload.power_off_asked, true)
            {
                self.switch_off();
                return;
            }
            self.state.message = Some(warning);
            return;
        }
        self.switch_off();
    }

    fn switch_off(&mut self) {
        if let Some(events) = &self.events {
            let _ = events.flush(Duration::from_secs(2));
        }
        let Err(error) = sys::power::power_off();
        self.state.message = Some(format!("power off: {error}"));
    }

    /// Consent typed for each of `ids`.
    fn start_by_hand(&mut self, ids: &[String]) {
        self.by_hand();
        let kind = PlanKind {
            unattended: false,
            several: ids.len() > 1,
            removable_allowed: true,
        };
        let orders = self.orders(kind, None, |id| ids.contains(id));
        self.countdown(orders, kind, COUNTDOWN_ATTENDED);
    }

    /// Orders for the drives of a plan that nothing speaks against and that `chosen` takes.
    fn orders(
        &self,
        kind: PlanKind,
        armed: Option<(Instant, String)>,
        chosen: impl Fn(&String) -> bool,
    ) -> Vec<Order> {
        self.drives(kind)
            .into_iter()
            .filter(|(_, refusals)| refusals.is_empty())
            .map(|(facts, _)| (facts.identity.id(), facts))
            .filter(|(id, _)| chosen(id))
            .map(|(id, facts)| Order {
                plan: default_plan(&facts),
                consent: Consent {
                    id,
                    source: match &armed {
                        Some((until, _)) => ConsentSource::Armed { until: *until },
                        None => ConsentSource::Typed,
                    },
                },
                armed_until: armed.as_ref().map(|(_, words)| words.clone()),
                facts,
            })
            .collect()
    }

    fn countdown(&mut self, orders: Vec<Order>, kind: PlanKind, length: Duration) {
        if orders.is_empty() {
            self.back_to_listing(words::nothing_to_erase(self.language()));
            return;
        }
        self.send(Event::Plan {
            ids: orders
                .iter()
                .map(|order| order.consent.id.clone())
                .collect(),
            unattended: kind.unattended,
        });
        for row in &mut self.state.rows {
            row.selected = orders.iter().any(|order| order.consent.id == row.id);
        }
        self.state.mode = Mode::Countdown {
            seconds_left: length.as_secs(),
        };
        self.stage = Stage::Countdown {
            begins: Instant::now() + length,
            orders,
            kind,
        };
    }

    fn tick(&mut self) {
        self.hear_look();
        self.hear_news();
        match self.stage {
            Stage::Listing => self.tick_listing(),
            Stage::Countdown { .. } => self.tick_countdown(),
            Stage::Claiming { .. } => self.tick_claiming(),
            Stage::Running { .. } => self.tick_running(),
            Stage::Done { .. } => self.tick_done(),
        }
    }

    fn hear_look(&mut self) {
        let Some(looking) = &self.looking else {
            let names = look::block_names(&self.machine.roots.sys);
            let may_change = matches!(self.stage, Stage::Listing | Stage::Countdown { .. });
            if may_change && names != self.names {
                self.names_since = Instant::now();
                self.looking = Some(look::begin(&self.machine, false));
                if matches!(self.stage, Stage::Countdown { .. }) {
                    self.back_to_listing(words::looking(self.language()));
                }
            }
            return;
        };
        match looking.try_recv() {
            Ok(look) => {
                self.looking = None;
                self.names = look.names;
                self.survey = Some(look.survey);
                if let Some(facts) = look.machine {
                    let summary = compose::summary(&facts);
                    self.state.header.machine.clone_from(&summary);
                    self.send(Event::Machine { summary });
                    self.facts = Some(facts);
                }
                self.state.message = None;
                self.show_rows();
            }
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                self.looking = Some(look::begin(&self.machine, self.facts.is_none()));
            }
        }
    }

    fn show_rows(&mut self) {
        if !matches!(self.stage, Stage::Listing | Stage::Countdown { .. }) {
            return;
        }
        let drives = self.drives(self.kind());
        let language = self.language();
        let mut shown: Vec<ui::Row> = drives
            .iter()
            .map(|(facts, refusals)| rows::row(facts, refusals, &default_plan(facts), language))
            .collect();
        for row in &mut shown {
            row.selected = self.auto && row.erasable();
        }
        self.state.replace_rows(shown);
        self.send(rows::drives_event(&drives));
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
                        state: service_name(state).into(),
                        detail,
                    });
                }
                News::ClockOffset(seconds) => self.clock_offset_seconds = Some(seconds),
                News::Arming(verdict) => self.arming = Some(verdict),
            }
        }
    }

    fn wish(&mut self, wish: Option<Wish>) {
        if wish.is_none() {
            self.arming = None;
        }
        *self.wishes.lock().unwrap_or_else(PoisonError::into_inner) = wish;
    }

    /// Follows `raz.auto=erase` as far as the two keys allow.
    fn tick_listing(&mut self) {
        if !self.auto || self.looking.is_some() || self.names_since.elapsed() < QUIET {
            return;
        }
        // A person is in the middle of something.
        if self.state.mode != Mode::Listing {
            return;
        }
        let language = self.language();
        let mut against = self.arguments.unattended_refusals(language);
        if let Some(survey) = &self.survey {
            against.extend(survey.boot_medium.stops_unattended());
        }
        let machine = self.facts.as_ref().and_then(compose::machine_id);
        if machine.is_none() {
            against.push("this machine has neither UUID, serial nor network address".into());
        }
        let kind = self.kind();
        let planned = self.orders(kind, None, |_| true);
        let ids: Vec<String> = planned
            .iter()
            .map(|order| order.consent.id.clone())
            .collect();
        if self.told.plan != ids {
            self.told.plan.clone_from(&ids);
            self.send(Event::Plan {
                ids,
                unattended: true,
            });
        }
        if planned.is_empty() {
            against.push(words::nothing_to_erase(language));
        }
        let (Some(machine), true) = (machine, against.is_empty()) else {
            self.wish(None);
            self.wait(words::not_unattended(language, &against.join("; ")));
            return;
        };
        let drives = u32::try_from(planned.len()).unwrap_or(u32::MAX);
        self.wish(Some(Wish { machine, drives }));
        match self.arming.clone() {
            Some(Verdict::Armed { until, words }) if Instant::now() < until => {
                let orders = self.orders(kind, Some((until, words)), |_| true);
                self.countdown(orders, kind, COUNTDOWN_UNATTENDED);
            }
            Some(Verdict::Armed { .. }) | None => {
                self.wait(words::waiting_for_arming(language, planned.len(), "..."));
            }
            Some(Verdict::NotArmed(why)) => {
                self.wait(words::waiting_for_arming(language, planned.len(), &why));
            }
        }
    }

    fn wait(&mut self, reason: String) {
        if self.told.waiting != reason {
            self.told.waiting.clone_from(&reason);
            self.send(Event::Waiting {
                reason: reason.clone(),
            });
        }
        self.state.message = Some(reason);
    }

    fn tick_countdown(&mut self) {
        let Stage::Countdown {
            begins,
            orders,
            kind,
        } = &self.stage
        else {
            return;
        };
        if kind.unattended && !matches!(self.arming, Some(Verdict::Armed { .. })) {
            let why = match &self.arming {
                Some(Verdict::NotArmed(why)) => why.clone(),
                Some(Verdict::Armed { .. }) | None => "?".into(),
            };
            let drives = orders.len();
            self.back_to_listing(words::waiting_for_arming(self.language(), drives, &why));
            return;
        }
        let left = begins.saturating_duration_since(Instant::now());
        let seconds_left = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        self.state.mode = Mode::Countdown { seconds_left };
        if left.is_zero() {
            self.claim();
        } else if self.told.countdown != seconds_left {
            self.told.countdown = seconds_left;
            self.send(Event::Countdown { seconds_left });
        }
    }

    fn claim(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Listing);
        let Stage::Countdown { orders, kind, .. } = stage else {
            self.stage = stage;
            return;
        };
        self.wish(None);
        self.cancel.store(false, Ordering::Relaxed);
        let Some(survey) = &self.survey else {
            return;
        };
        let (sender, claims) = mpsc::channel();
        let (machine, kept, asked) = (
            self.machine.clone(),
            self.arguments.keep.clone(),
            orders.clone(),
        );
        let survey = Survey {
            drives: survey.drives.clone(),
            boot_medium: survey.boot_medium.clone(),
        };
        let claiming = move || {
            let _ = sender.send(work::claim_all(&machine, &survey, &asked, &kept, kind));
        };
        let _ = std::thread::Builder::new()
            .name("raz-claims".into())
            .spawn(claiming);
        self.state.mode = Mode::Running { stop_asked: false };
        self.stage = Stage::Claiming { orders, claims };
    }

    fn tick_claiming(&mut self) {
        let Stage::Claiming { claims, .. } = &self.stage else {
            return;
        };
        let answered = match claims.try_recv() {
            Ok(answered) => answered,
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => Vec::new(),
        };
        let Stage::Claiming { orders, .. } = std::mem::replace(&mut self.stage, Stage::Listing)
        else {
            return;
        };
        let mut answers = answered.into_iter();
        let mut claimed = Vec::new();
        let mut runs = Vec::new();
        for order in orders {
            let answer = answers
                .next()
                .unwrap_or_else(|| Err("the claim was not carried out".into()));
            match answer {
                Ok(claim) => claimed.push((order, claim)),
                Err(reason) => match work::not_started(order, reason) {
                    Ok(run) => runs.push(run),
                    Err(error) => {
                        self.back_to_listing(words::cannot_begin(
                            self.language(),
                            &error.to_string(),
                        ));
                        return;
                    }
                },
            }
        }
        match Work::begin(claimed, Options::default(), &self.cancel) {
            Ok(work) => {
                for run in &runs {
                    self.outcome(run);
                }
                self.stage = Stage::Running { work, runs };
            }
            Err(error) => {
                self.back_to_listing(words::cannot_begin(self.language(), &error.to_string()))
            }
        }
    }

    fn tick_running(&mut self) {
        let Stage::Running { work, .. } = &mut self.stage else {
            return;
        };
        let ended = work.next_end(Duration::ZERO);
        let over = ended.is_none() && work.open() == 0;
        self.show_progress();
        if let Some(run) = ended {
            self.outcome(&run);
            if let Stage::Running { runs, .. } = &mut self.stage {
                runs.push(run);
            }
        }
        if over
            && let Stage::Running { runs, .. } = std::mem::replace(&mut self.stage, Stage::Listing)
        {
            self.finish(runs);
        }
    }

    fn show_progress(&mut self) {
        let Stage::Running { work, .. } = &self.stage else {
            return;
        };
        let mut events = Vec::new();
        for flight in work.flights().iter().filter(|flight| !flight.ended()) {
            let id = &flight.order.consent.id;
            let row = self.state.rows.iter_mut().find(|row| row.id == *id);
            let row = row.map(|row| {
                rows::update(row, flight, &self.machine.roots.sys);
                &*row
            });
            let now = flight.progress.snapshot();
            let phase = rows::phase_name(now.phase).to_owned();
            let key = (phase.clone(), now.pass_index);
            if self.told.phases.get(id) != Some(&key) {
                self.told.phases.insert(id.clone(), key);
                events.push(Event::Phase {
                    id: id.clone(),
                    phase,
                    pass: now.pass_index,
                    passes: now.pass_count,
                });
            }
            let due = self
                .told
                .progress
                .get(id)
                .is_none_or(|last| last.elapsed() >= PROGRESS_EVENTS);
            if due {
                self.told.progress.insert(id.clone(), Instant::now());
                events.push(rows::progress_event(flight, row));
            }
        }
        for event in events {
            self.send(event);
        }
    }

    fn outcome(&mut self, run: &Run) {
        let (word, text, _) = compose::conclusion(&run.outcome.conclusion);
        let id = run.consent.id.clone();
        if let Some(row) = self.state.rows.iter_mut().find(|row| row.id == id) {
            row.outcome = Some(word);
            row.outcome_text.clone_from(&text);
        }
        self.send(Event::Outcome {
            id,
            outcome: word,
            text,
        });
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

fn default_plan(facts: &DriveFacts) -> Plan {
    plan::plan(facts, &plan::Wishes::default())
}

/// A service state's word in events.
fn service_name(state: ui::Service) -> &'static str {
    match state {
        ui::Service::None => "none",
        ui::Service::Connecting => "connecting",
        ui::Service::Unreachable => "unreachable",
        ui::Service::PinMismatch => "pin mismatch",
        ui::Service::TokenRefused => "token refused",
        ui::Service::Pending => "pending",
        ui::Service::Accepted => "accepted",
        ui::Service::Revoked => "revoked",
    }
}

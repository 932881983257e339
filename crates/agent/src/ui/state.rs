//! What the screens show: plain facts in numbers and words, no device and no secret.

use crate::i18n::{Language, Text};
use report::api::StationState;
use report::schema::OutcomeWord;
use wipe::latency::Latency;

/// Everything on the screen.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Language.
    pub language: Language,
    /// Whether the terminal has colours. Nothing is told by colour alone.
    pub colour: bool,
    /// Top lines.
    pub header: Header,
    /// The drives, in the order shown. Change them with [`State::replace_rows`].
    pub rows: Vec<Row>,
    /// The drives are being read for the first time: no rows does not mean no drives yet.
    pub reading: bool,
    /// Index of the row that the details are about.
    pub cursor: usize,
    /// First line of the details that is shown.
    pub details_from: usize,
    /// What the screen is doing.
    pub mode: Mode,
    /// A sentence for the person, until the next key.
    pub message: Option<String>,
    /// The machine has no keyboard to answer with.
    pub lacks_keyboard: bool,
}

/// Top lines.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// Version of raz.
    pub version: String,
    /// Maker, model and serial of the machine.
    pub machine: String,
    /// `SHA256:…` of the station's key.
    pub fingerprint: String,
    /// The inventory service.
    pub service: Service,
    /// The way to it.
    pub network: Network,
}

/// What is plugged in of the wired network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Network {
    /// A card with a cable; or nobody asked.
    #[default]
    Plugged,
    /// No wired card.
    NoCard,
    /// No card has a cable in it.
    NoCable,
}

impl Header {
    /// Where the service stands, and why it does not answer where that is plain.
    pub(super) fn service_text(&self) -> Text {
        match (self.service, self.network) {
            (Service::Connecting | Service::Unreachable, Network::NoCard) => Text::ServiceNoCard,
            (Service::Connecting | Service::Unreachable, Network::NoCable) => Text::ServiceNoCable,
            (service, Network::Plugged | Network::NoCard | Network::NoCable) => service.text(),
        }
    }
}

/// Where the inventory service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Service {
    /// No `raz.server=`.
    #[default]
    None,
    /// Not heard of yet.
    Connecting,
    /// No answer.
    Unreachable,
    /// Someone else answered.
    PinMismatch,
    /// The enrolment token was not taken.
    TokenRefused,
    /// A person must accept the station.
    Pending,
    /// Accepted.
    Accepted,
    /// Revoked.
    Revoked,
}

impl From<StationState> for Service {
    fn from(state: StationState) -> Self {
        match state {
            StationState::Pending => Self::Pending,
            StationState::Accepted => Self::Accepted,
            StationState::Revoked => Self::Revoked,
        }
    }
}

impl Service {
    /// The word of the event stream ([`report::event::Event::Service`]).
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Connecting => "connecting",
            Self::Unreachable => "unreachable",
            Self::PinMismatch => "pin mismatch",
            Self::TokenRefused => "token refused",
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
        }
    }

    fn text(self) -> Text {
        match self {
            Self::None => Text::ServiceNone,
            Self::Connecting => Text::ServiceConnecting,
            Self::Unreachable => Text::ServiceUnreachable,
            Self::PinMismatch => Text::ServicePinMismatch,
            Self::TokenRefused => Text::ServiceTokenRefused,
            Self::Pending => Text::ServicePending,
            Self::Accepted => Text::ServiceAccepted,
            Self::Revoked => Text::ServiceRevoked,
        }
    }
}

/// A slow drive answers a read or a write within seconds, also while it rearranges what it stored.
const SILENT_SECONDS: u64 = 20;

/// One drive.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Short id of the drive.
    pub id: String,
    /// Device node.
    pub path: String,
    /// Model.
    pub model: Option<String>,
    /// Serial.
    pub serial: Option<String>,
    /// Capacity.
    pub capacity_bytes: u64,
    /// What is planned, or why not.
    pub plan: Plan,
    /// A card or stick that somebody may have forgotten in the machine.
    pub forgotten: bool,
    /// What an erasure would go on from, in words.
    pub resumes: Option<String>,
    /// Chosen by the person or the plan.
    pub selected: bool,
    /// A person typed the consent for this drive. Set by [`super::handle_key`] only.
    pub consented: bool,
    /// Where the run is.
    pub phase: Phase,
    /// Pass of the phase, from 0.
    pub pass: u32,
    /// Passes planned.
    pub passes: u32,
    /// Progress of the phase, 0 to 100.
    pub percent: Option<f64>,
    /// Rate of the last seconds.
    pub bytes_per_second: Option<f64>,
    /// Time left until the drive's last phase is over.
    pub seconds_left: Option<u64>,
    /// How long the drive takes to answer.
    pub latency: Option<Latency>,
    /// Drive temperature.
    pub temperature_celsius: Option<i32>,
    /// Sectors or ranges with errors so far.
    pub errors: u64,
    /// For so long the drive owes an answer and gave none.
    pub seconds_silent: u64,
    /// How the run ended.
    pub outcome: Option<OutcomeWord>,
    /// The outcome in a sentence, with what is missing.
    pub outcome_text: String,
}

/// What is planned for a drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// It may be erased.
    Erase {
        /// Method and reason in words.
        text: String,
    },
    /// It will not be touched.
    Refused {
        /// Why, in words.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// A place where a drive may be that is not seen.
    Unseen {
        /// What is there, in words.
        reason: String,
        /// What to do.
        remedy: String,
    },
}

impl Default for Plan {
    /// Nothing is planned until a plan says so.
    fn default() -> Self {
        Self::Refused {
            reason: String::new(),
            remedy: String::new(),
        }
    }
}

/// Phase of a drive's run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Phase {
    /// Not begun.
    #[default]
    Waiting,
    /// The drive erases itself.
    Sanitizing,
    /// Writing.
    Writing,
    /// Cache being flushed, drive settling.
    Settling,
    /// Reading back and comparing.
    Verifying,
}

/// What the screen is doing.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Mode {
    /// Choosing drives.
    #[default]
    Listing,
    /// Asking for the consent for one drive. By id: a row's index may move under the question.
    Confirming {
        /// Drive.
        id: String,
        /// Typed so far.
        typed: String,
    },
    /// The machine is to sleep, so that frozen drives thaw.
    Sleeping {
        /// Where that stands.
        night: Night,
    },
    /// Before the first write; any key stops.
    Countdown {
        /// Seconds to the first write.
        seconds_left: u64,
    },
    /// Drives are being written and read.
    Running {
        /// X was typed once.
        stop_asked: bool,
    },
    /// All ended.
    Done {
        /// `A`, `B`, `C`, `D`, `parts`, when there is a verdict.
        grade: Option<String>,
        /// Reasons of the grade, state of the upload and what to do next.
        lines: Vec<String>,
    },
}

/// Where the machine's sleep stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Night {
    /// Shall it?
    Asked {
        /// Drives that would gain by it.
        drives: usize,
    },
    /// It is about to, does, or its drives come back. No key does anything.
    Asleep,
    /// It is awake: a key says that somebody sees it.
    Awake {
        /// Seconds in which a key counts.
        seconds_left: u64,
    },
}

impl Row {
    /// It may be erased.
    #[must_use]
    pub fn erasable(&self) -> bool {
        match self.plan {
            Plan::Erase { .. } => true,
            Plan::Refused { .. } | Plan::Unseen { .. } => false,
        }
    }

    /// It owes a read or a write for longer than a busy drive takes: what it said last is old. A flush
    /// may take minutes in a healthy one.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        let is_moving = match self.phase {
            Phase::Writing | Phase::Verifying => true,
            Phase::Waiting | Phase::Sanitizing | Phase::Settling => false,
        };
        is_moving && self.outcome.is_none() && self.seconds_silent >= SILENT_SECONDS
    }

    /// The same drive at the same place, still to be erased or still not: a consent given for one
    /// stands for the other. The plan's words do not count, they change with the language.
    fn same_question(&self, other: &Self) -> bool {
        self.id == other.id
            && self.serial == other.serial
            && self.model == other.model
            && self.path == other.path
            && self.capacity_bytes == other.capacity_bytes
            && self.erasable() == other.erasable()
    }
}

impl State {
    /// Shows other rows, as after a drive came or left or a plan changed.
    ///
    /// Choice and consent stay with a drive that is the same in identity, size and place and may
    /// still be erased, and are dropped for every other; a question under way for a drive that changed is withdrawn.
    pub fn replace_rows(&mut self, rows: Vec<Row>) {
        let cursor_id = self.rows.get(self.cursor).map(|row| row.id.clone());
        let before = std::mem::replace(&mut self.rows, rows);
        let mut withdrawn = false;
        for row in &mut self.rows {
            let same = before.iter().find(|old| old.same_question(row));
            row.consented = same.is_some_and(|old| old.consented) && row.erasable();
            row.selected = row.erasable() && (row.selected || same.is_some_and(|old| old.selected));
        }
        for old in before.iter().filter(|old| old.consented) {
            withdrawn |= !self
                .rows
                .iter()
                .any(|row| row.consented && row.same_question(old));
        }
        if let Mode::Confirming { id, .. } = &self.mode {
            let asked = before.iter().find(|old| old.id == *id);
            let stands =
                asked.is_some_and(|old| self.rows.iter().any(|row| row.same_question(old)));
            if !stands {
                withdrawn = true;
                self.mode = Mode::Listing;
            }
        }
        if withdrawn {
            self.message = Some(Text::ConfirmChanged.says(self.language).to_owned());
        }
        self.cursor = cursor_id
            .and_then(|id| self.rows.iter().position(|row| row.id == id))
            .unwrap_or(0);
        self.details_from = 0;
    }

    /// No drive is consented any more: who stopped a countdown is asked again.
    pub fn withdraw(&mut self) {
        for row in &mut self.rows {
            row.consented = false;
        }
    }

    pub(super) fn says(&self, text: Text) -> &'static str {
        text.says(self.language)
    }

    /// No other row has this id. An action names drives by id: where two share one, as two bridges
    /// with one serial do, neither can be chosen here.
    pub(super) fn unique(&self, row: &Row) -> bool {
        self.rows.iter().filter(|other| other.id == row.id).count() == 1
    }

    /// The row may be chosen: it may be erased, and its id means it alone.
    pub(super) fn may_choose(&self, row: &Row) -> bool {
        row.erasable() && self.unique(row)
    }

    /// Rows that a person or the plan chose and that may be erased.
    pub(super) fn chosen(&self) -> impl Iterator<Item = &Row> {
        self.rows
            .iter()
            .filter(|row| row.selected && self.may_choose(row))
    }
}

//! The session's conversation with the inventory service, on a thread of its own.
//!
//! It enrols once, asks for the station's state until a person has accepted it, and, while the
//! session wishes it, whether this machine is armed. It never acts on a drive.

use super::unattended::{Answer, Verdict, Wish};
use crate::arguments::Secret;
use crate::i18n::{self, Words};
use crate::ui::Service;
use crate::upload::client::{Client, ClientError};
use report::api::{Arming, StationState, StationStatus};
use report::sign::StationKey;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Pause between two questions while a person is waited for.
const PAUSE: Duration = Duration::from_secs(2);

/// Most that is taken over of a text that the service sends.
const TEXT_CHARACTERS_MAX: usize = 200;

/// What the service's thread tells the session.
pub enum News {
    /// The station's state or the network's changed.
    Service {
        /// For the screen.
        state: Service,
        /// In words.
        detail: String,
        /// Name that the service gave to the station.
        name: Option<String>,
    },
    /// Service time minus machine time, in seconds.
    ClockOffset(i64),
    /// The service's word on a wish.
    Arming(Answer),
}

/// The thread's ear.
pub type Wishes = Arc<Mutex<Option<Wish>>>;

/// Starts the thread. It ends when the session's receiver is gone.
pub fn start(
    client: Arc<Client>,
    key: Arc<StationKey>,
    token: Option<Secret>,
    wishes: Wishes,
    news: Sender<News>,
) -> std::io::Result<()> {
    let talk = Talk {
        client,
        key,
        token,
        wishes,
        news,
        last: None,
        clock_told: false,
    };
    std::thread::Builder::new()
        .name("raz-service".into())
        .spawn(move || talk.run())
        .map(drop)
}

struct Talk {
    client: Arc<Client>,
    key: Arc<StationKey>,
    token: Option<Secret>,
    wishes: Wishes,
    news: Sender<News>,
    last: Option<(Service, String)>,
    clock_told: bool,
}

impl Talk {
    fn run(mut self) {
        loop {
            let accepted = self.state();
            if accepted && !self.clock_told {
                self.clock();
            }
            let wish = self
                .wishes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let told = match wish {
                Some(wish) => self.news.send(News::Arming(self.answer(wish, accepted))),
                None => Ok(()),
            };
            if told.is_err() {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Enrols or asks; says whether the station is accepted.
    fn state(&mut self) -> bool {
        let answer = match &self.token {
            Some(token) => {
                let name = format!(
                    "raz-{}",
                    &self.key.fingerprint().replace([':', '/', '+'], "")[6..14]
                );
                self.client.enrol(token, &name, &self.key)
            }
            None => self.client.station(&self.key),
        };
        match answer {
            Ok(status) => {
                // A token is good once; from here on the key speaks for itself.
                self.token = None;
                self.told(&status)
            }
            Err(error) => {
                let enrolling = self.token.is_some();
                let state = match &error {
                    ClientError::NotTheService { .. } => Service::PinMismatch,
                    ClientError::Refused { .. } if enrolling => Service::TokenRefused,
                    ClientError::Address
                    | ClientError::Tls(_)
                    | ClientError::Unreachable { .. }
                    | ClientError::Busy { .. }
                    | ClientError::Refused { .. }
                    | ClientError::Answer { .. }
                    | ClientError::Receipt { .. }
                    | ClientError::Sign(_)
                    | ClientError::Random(_) => Service::Unreachable,
                };
                if enrolling && state == Service::TokenRefused {
                    // The answer to an earlier try may have been lost: the key may be enrolled.
                    if let Ok(status) = self.client.station(&self.key) {
                        self.token = None;
                        return self.told(&status);
                    }
                }
                self.tell(state, error.to_string(), None);
                false
            }
        }
    }

    fn told(&mut self, status: &StationStatus) -> bool {
        let (state, detail) = match status.state {
            StationState::Pending => (
                Service::Pending,
                format!(
                    "compare {} on both screens and accept it",
                    status.fingerprint
                ),
            ),
            StationState::Accepted => (Service::Accepted, "accepted".to_owned()),
            StationState::Revoked => (Service::Revoked, "revoked".to_owned()),
        };
        self.tell(state, detail, Some(short(&status.name)));
        status.state == StationState::Accepted
    }

    fn tell(&mut self, state: Service, detail: String, name: Option<String>) {
        if self.last.as_ref() != Some(&(state, detail.clone())) {
            self.last = Some((state, detail.clone()));
            let _ = self.news.send(News::Service {
                state,
                detail,
                name,
            });
        }
    }

    fn clock(&mut self) {
        if let Ok(service) = self.client.service_time() {
            let here = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
            self.clock_told = true;
            let _ = self
                .news
                .send(News::ClockOffset(service.as_second() - here));
        }
    }

    fn answer(&self, wish: Wish, accepted: bool) -> Answer {
        let asked = Instant::now();
        let verdict = if accepted {
            self.verdict(&wish, asked)
        } else {
            Verdict::NotArmed(Words::new(
                "le poste n'est pas accepté",
                "the station is not accepted",
            ))
        };
        Answer {
            wish,
            asked,
            verdict,
        }
    }

    fn verdict(&self, wish: &Wish, asked: Instant) -> Verdict {
        let drives = u32::try_from(wish.ids.len()).unwrap_or(u32::MAX);
        match self.client.arming(&self.key, &wish.machine, drives) {
            Ok(Arming {
                armed: true,
                until: Some(words),
                seconds_left: Some(seconds),
                ..
            }) => Verdict::Armed {
                until: asked + Duration::from_secs(seconds.min(24 * 3600)),
                words: short(&words),
            },
            Ok(arming) => {
                let words = i18n::service::not_armed(&arming);
                Verdict::NotArmed(Words::of(|language| short(words.says(language))))
            }
            Err(error) => {
                let words = error.words();
                Verdict::NotArmed(Words::of(|language| short(words.says(language))))
            }
        }
    }
}

/// A text of the service that goes to the screen, an event or the report.
fn short(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(TEXT_CHARACTERS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{TEXT_CHARACTERS_MAX, short};

    #[test]
    fn text_of_the_service_is_short_and_steers_no_terminal() {
        assert_eq!(short("a\u{1b}[2Jb\n\u{9b}c"), "a[2Jbc");
        assert_eq!(
            short(&"é".repeat(10_000)).chars().count(),
            TEXT_CHARACTERS_MAX
        );
    }
}

//! The wire between a machine and the service, which can fail in mid-upload or stand still.
//!
//! Bytes pass as they are, TLS included: what passes is told apart by its length alone. A report
//! is the only request of more than [`LONG_BYTES`]; an answer to it is whatever comes afterwards.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// More than any request but a report has: those carry a signature, a key and a few words.
pub const LONG_BYTES: usize = 2048;

/// How the wire fails, once, on the next request of more than [`LONG_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The service gets its first [`LONG_BYTES`], and then nothing more.
    RequestCut,
    /// The service gets all of it, the machine gets no answer.
    AnswerLost,
}

/// A relay on the loopback. It ends with the test process.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: Option<Failure>,
    has_failed: bool,
    is_held: bool,
}

/// One connection: bytes of the machine since the service said something, and how it fails.
#[derive(Debug, Default)]
struct Connection {
    since_answer_bytes: usize,
    failure: Option<Failure>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while_held(&self) {
        let state = self.state();
        drop(self.news.wait_while(state, |state| state.is_held));
    }
}

impl Proxy {
    /// Listens on a free port and passes everything on to `service_port`, whether or not somebody
    /// listens there at the time.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start(service_port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::Builder::new()
            .name("lab-proxy".into())
            .spawn(move || {
                for machine in listener.incoming().map_while(Result::ok) {
                    // A service that is down refuses; the machine sees its connection closed.
                    if let Ok(service) = TcpStream::connect((Ipv4Addr::LOCALHOST, service_port)) {
                        // Without a thread the connection is dropped, as by a bad wire.
                        let _ = relay(machine, service, &accepting);
                    }
                }
            })?;
        Ok(Self { port, shared })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next report fails so.
    pub fn fail_next(&self, failure: Failure) {
        let mut state = self.shared.state();
        state.next = Some(failure);
        state.has_failed = false;
    }

    /// Keeps back what either side sends until [`Self::release`]: nothing is lost, all is late.
    pub fn hold(&self) {
        self.shared.state().is_held = true;
    }

    /// Lets all that was kept back pass.
    pub fn release(&self) {
        self.shared.state().is_held = false;
        self.shared.news.notify_all();
    }

    /// Waits until the failure that was asked for last has happened.
    ///
    /// # Errors
    /// After `patience`.
    pub fn wait_until_failed(&self, patience: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.state();
        while !state.has_failed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("no report was sent within {} s", patience.as_secs());
            }
            state = self
                .shared
                .news
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        Ok(())
    }
}

fn relay(machine: TcpStream, service: TcpStream, shared: &Arc<Shared>) -> anyhow::Result<()> {
    let connection = Arc::new(Mutex::new(Connection::default()));
    let (from_machine, to_service) = (machine.try_clone()?, service.try_clone()?);
    let (sending, failing, answering) = (
        Arc::clone(&connection),
        Arc::clone(shared),
        Arc::clone(shared),
    );
    thread::Builder::new()
        .name("lab-proxy-requests".into())
        .spawn(move || {
            pass(&from_machine, &to_service, |count| {
                failing.wait_while_held();
                lock(&sending).request(count, &failing)
            });
        })?;
    thread::Builder::new()
        .name("lab-proxy-answers".into())
        .spawn(move || {
            pass(&service, &machine, |count| {
                answering.wait_while_held();
                lock(&connection).answer(count)
            });
        })?;
    Ok(())
}

fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Copies until one side ends, then ends both; `take` says how many of the bytes get through.
fn pass(mut from: &TcpStream, mut to: &TcpStream, mut take: impl FnMut(usize) -> usize) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let through = take(count);
        if to.write_all(&buffer[..through]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

impl Connection {
    /// The machine sent `count` bytes: how many of them the service gets.
    fn request(&mut self, count: usize, shared: &Shared) -> usize {
        let before = self.since_answer_bytes;
        self.since_answer_bytes += count;
        if self.since_answer_bytes > LONG_BYTES && self.failure.is_none() {
            let mut state = shared.state();
            self.failure = state.next.take();
            if self.failure.is_some() {
                state.has_failed = true;
                shared.news.notify_all();
                return match self.failure {
                    Some(Failure::RequestCut) => LONG_BYTES.saturating_sub(before),
                    Some(Failure::AnswerLost) | None => count,
                };
            }
        }
        match self.failure {
            Some(Failure::RequestCut) => 0,
            Some(Failure::AnswerLost) | None => count,
        }
    }

    /// The service sent `count` bytes: how many of them the machine gets.
    fn answer(&mut self, count: usize) -> usize {
        self.since_answer_bytes = 0;
        match self.failure {
            Some(Failure::AnswerLost) => 0,
            Some(Failure::RequestCut) | None => count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Answers each connection's bytes, once `wanted_bytes` are there, with one line.
    fn service(wanted_bytes: usize) -> (u16, std::sync::mpsc::Receiver<usize>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, hearing) = std::sync::mpsc::channel();
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut got = 0;
                let mut buffer = [0; 1024];
                while got < wanted_bytes {
                    match stream.read(&mut buffer) {
                        Ok(count @ 1..) => got += count,
                        Ok(0) | Err(_) => break,
                    }
                }
                let _ = stream.write_all(b"stored\n");
                let _ = heard.send(got);
            }
        });
        (port, hearing)
    }

    fn send(port: u16, bytes: usize) -> TcpStream {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&vec![7; bytes]).unwrap();
        stream
    }

    fn answer(mut stream: TcpStream) -> String {
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    }

    #[test]
    fn short_requests_pass_and_the_first_long_one_loses_its_answer() {
        let (port, heard) = service(9000);
        let proxy = Proxy::start(port).unwrap();
        assert_eq!(answer(send(proxy.port(), 9000)), "stored\n");
        proxy.fail_next(Failure::AnswerLost);
        let lost = send(proxy.port(), 9000);
        proxy.wait_until_failed(PATIENCE).unwrap();
        assert_eq!(answer(lost), "");
        assert_eq!(answer(send(proxy.port(), 9000)), "stored\n");
        assert_eq!(heard.iter().take(3).collect::<Vec<_>>(), [9000; 3]);
    }

    #[test]
    fn what_is_held_passes_when_it_is_released() {
        let (port, heard) = service(10);
        let proxy = Proxy::start(port).unwrap();
        proxy.hold();
        let held = send(proxy.port(), 10);
        let early = heard.recv_timeout(Duration::from_millis(200));
        assert!(early.is_err(), "{early:?}");
        proxy.release();
        assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), 10);
        assert_eq!(answer(held), "stored\n");
    }

    #[test]
    fn a_cut_request_stays_short_until_a_side_ends() {
        let (port, heard) = service(9000);
        let proxy = Proxy::start(port).unwrap();
        proxy.fail_next(Failure::RequestCut);
        let cut = send(proxy.port(), 9000);
        proxy.wait_until_failed(PATIENCE).unwrap();
        drop(cut);
        assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), LONG_BYTES);
    }
}

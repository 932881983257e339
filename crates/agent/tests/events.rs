//! The event stream: whole lines, no gaps, nobody held up, nothing written where it must not be.

use agent::events::{Events, EventsError, Roots};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use report::event::{Event, Line};
use report::schema::OutcomeWord;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(30);

fn waiting(reason: &str) -> Event {
    Event::Waiting {
        reason: reason.into(),
    }
}

fn progress(bytes_done: u64) -> Event {
    Event::Progress {
        id: "d-1".into(),
        phase: "writing".into(),
        bytes_done,
        bytes_total: 1 << 40,
        bytes_per_second: 1e8,
        seconds_left: Some(1.5),
        latency_p50_seconds: Some(0.005),
        latency_p99_seconds: Some(0.02),
        latency_max_seconds: None,
        errors: 0,
        temperature_celsius: None,
        seconds_silent: 0.0,
    }
}

fn outcome(number: u64) -> Event {
    Event::Outcome {
        id: format!("d-{number}"),
        outcome: OutcomeWord::NotComplete,
        text: "line\nbreak".into(),
    }
}

fn lines(text: impl BufRead) -> Vec<Line> {
    text.lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect()
}

fn read(path: &Path) -> Vec<Line> {
    lines(BufReader::new(fs::File::open(path).unwrap()))
}

#[test]
fn a_file_gets_each_event_as_one_line_counted_from_zero() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("events");
    let events = Events::open(path.to_str().unwrap(), &Roots::default()).unwrap();
    let sent: Vec<Event> = vec![waiting("é"), progress(1), outcome(2)];
    for event in &sent {
        events.send(event.clone());
    }
    assert!(events.flush(BOUND));
    let read = read(&path);
    assert_eq!(
        read.iter().map(|line| line.sequence).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    assert_eq!(
        read.iter()
            .map(|line| line.event.clone())
            .collect::<Vec<_>>(),
        sent
    );
    assert!(read.is_sorted_by(|a, b| a.seconds <= b.seconds));
    assert_eq!(events.lost(), (0, None));
}

#[test]
fn a_port_that_nobody_reads_holds_nobody_up_and_costs_progress_only() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("fifo");
    mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let events = Events::open(path.to_str().unwrap(), &Roots::default()).unwrap();
    for number in 0..1000 {
        events.send(progress(number));
        if number % 2 == 0 {
            events.send(outcome(number));
        }
    }
    assert!(!events.flush(Duration::ZERO));
    let (lost, failure) = events.lost();
    assert_eq!(failure, None);
    drop(events);
    // Only now does a reader come; the writer ends with the queue.
    let read = read(&path);
    let sequence: Vec<u64> = read.iter().map(|line| line.sequence).collect();
    assert_eq!(sequence, (0..read.len() as u64).collect::<Vec<_>>());
    assert_eq!(read.len() as u64 + lost, 1500);
    let outcomes: Vec<Event> = read
        .into_iter()
        .map(|line| line.event)
        .filter(|event| matches!(event, Event::Outcome { .. }))
        .collect();
    assert_eq!(
        outcomes,
        (0..1000).step_by(2).map(outcome).collect::<Vec<_>>()
    );
}

#[test]
fn the_queue_is_bounded_even_for_events_that_matter() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("fifo");
    mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let events = Events::open(path.to_str().unwrap(), &Roots::default()).unwrap();
    for number in 0..20_000 {
        events.send(outcome(number));
    }
    let (lost, _) = events.lost();
    assert_eq!(lost, 20_000 - 16_384);
    drop(events);
    let read = read(&path);
    assert_eq!(read.len(), 16_384);
    assert_eq!(
        read.last().map(|line| line.event.clone()),
        Some(outcome(16_383))
    );
}

#[test]
fn a_virtio_port_is_found_by_its_name() {
    let home = tempfile::tempdir().unwrap();
    let roots = Roots {
        sys: home.path().join("sys"),
        dev: home.path().join("dev"),
    };
    fs::create_dir_all(&roots.dev).unwrap();
    for (device, name) in [
        ("vport1p1", "org.qemu.guest_agent.0\n"),
        ("vport2p3", "raz.events\n"),
    ] {
        let folder = roots.sys.join("class/virtio-ports").join(device);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("name"), name).unwrap();
        fs::write(roots.dev.join(device), "").unwrap();
    }
    let events = Events::open("raz.events", &roots).unwrap();
    events.send(waiting("arming"));
    assert!(events.flush(BOUND));
    assert_eq!(read(&roots.dev.join("vport2p3")).len(), 1);
    assert_eq!(fs::read(roots.dev.join("vport1p1")).unwrap(), b"");
    for absent in ["raz", "raz.events2", ""] {
        assert!(
            matches!(
                Events::open(absent, &roots),
                Err(EventsError::NoPort { .. })
            ),
            "{absent}"
        );
    }
}

#[test]
fn what_is_no_port_is_refused_untouched() {
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    // /dev/null is of the class `mem`, as the memory itself: a class that is no port.
    for path in [home.path(), &socket, Path::new("/dev/null")] {
        let refused = Events::open(path.to_str().unwrap(), &Roots::default());
        assert!(
            matches!(refused, Err(EventsError::NotAPort { .. })),
            "{}",
            path.display()
        );
    }
    for absent in [
        home.path().join("no/such/folder"),
        "/dev/raz-no-such-device".into(),
    ] {
        let refused = Events::open(absent.to_str().unwrap(), &Roots::default());
        assert!(
            matches!(refused, Err(EventsError::Io { .. })),
            "{}",
            absent.display()
        );
        assert!(!absent.exists());
    }
}

#[test]
fn a_terminal_line_is_a_port_by_its_class() {
    let home = tempfile::tempdir().unwrap();
    let pty = nix::pty::openpty(None, None).unwrap();
    let line = nix::unistd::ttyname(&pty.slave).unwrap();
    let roots = Roots {
        sys: home.path().into(),
        dev: "/dev".into(),
    };
    let events = Events::open(line.to_str().unwrap(), &roots).unwrap();
    events.send(waiting("x"));
    let mut first = String::new();
    BufReader::new(fs::File::from(pty.master))
        .read_line(&mut first)
        .unwrap();
    let line: Line = serde_json::from_str(first.trim_end()).unwrap();
    assert_eq!((line.sequence, line.event), (0, waiting("x")));
}

//! The test of memory over memory with planted faults, and over real memory.

mod board;
mod faults;
mod limits;
mod real;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use board::{Board, Fault};
use machine::Roots;
use machine::check::memory::schedule::Depth;
use machine::check::memory::{Outcome, Progress, Request, run};

const FADE: Duration = Duration::from_secs(30);
static NEVER: AtomicBool = AtomicBool::new(false);

/// Everything of the list once, over all of the memory.
fn request() -> Request<'static> {
    Request {
        depth: Depth::Quick,
        time_max: Duration::from_secs(1 << 30),
        repeat: false,
        fade: Some(FADE),
        cores: &[],
        memory_max_bytes: None,
        reserve_bytes: 0,
        seed: 1,
        stop: &NEVER,
    }
}

/// A folder that is a machine: what it says of its memory is written into it.
struct Folder {
    _folder: tempfile::TempDir,
    roots: Roots,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let roots = Roots {
            sys: folder.path().join("sys"),
            proc: folder.path().join("proc"),
        };
        std::fs::create_dir_all(&roots.proc).unwrap();
        std::fs::create_dir_all(&roots.sys).unwrap();
        Self {
            _folder: folder,
            roots,
        }
    }

    fn says(self, name: &str, text: &str) -> Self {
        std::fs::write(self.roots.proc.join(name), text).unwrap();
        self
    }
}

fn outcome(board: &Board, request: &Request<'_>) -> Outcome {
    let folder = Folder::new();
    run(board, &folder.roots, &*board.clock, request, &mut |_| {})
}

fn with(faults: &[Fault]) -> (Board, Outcome) {
    let board = Board::new(2, faults);
    let outcome = outcome(&board, &request());
    (board, outcome)
}

/// The last that a run told of itself.
fn last_progress(board: &Board, request: &Request<'_>) -> (Outcome, Progress) {
    let folder = Folder::new();
    let mut last = None;
    let outcome = run(board, &folder.roots, &*board.clock, request, &mut |told| {
        last = Some(*told);
    });
    (outcome, last.expect("progress is told"))
}

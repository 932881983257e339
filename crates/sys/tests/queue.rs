//! Both queues through the same behaviour, on files that the test made itself.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sys::aligned::AlignedBuffer;
use sys::blocking_queue::Threads;
use sys::queue::{Completion, Op, Queue, Submission, queue};
use sys::uring::Ring;

/// Bounds a test that went wrong, not one that goes well.
const LONG: Duration = Duration::from_secs(60);
const ENTRIES: u32 = 4;

fn both_queues() -> [Box<dyn Queue + Send>; 2] {
    let ring = Ring::new(ENTRIES).expect("these tests need a kernel that allows io_uring");
    [Box::new(ring), Box::new(Threads::new(ENTRIES).unwrap())]
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn file_of(folder: &Path, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.join("medium");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A byte that depends on its place in the file.
fn pattern(offset: u64) -> u8 {
    (offset.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
}

/// Runs all operations, as many at once as the queue takes; completions in the order in which they came.
fn run(queue: &mut dyn Queue, operations: impl IntoIterator<Item = Submission>) -> Vec<Completion> {
    let mut out = Vec::new();
    for operation in operations {
        let mut next = Some(operation);
        while let Some(operation) = next.take() {
            if let Err((error, operation)) = queue.submit(operation) {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                assert_eq!(queue.in_flight(), ENTRIES as usize);
                queue.wait(LONG, &mut out).unwrap();
                next = Some(operation);
            }
        }
    }
    while queue.in_flight() > 0 {
        let before = out.len();
        queue.wait(LONG, &mut out).unwrap();
        assert!(out.len() > before, "nothing ended within {LONG:?}");
    }
    out
}

fn read(file: &Arc<OwnedFd>, offset_bytes: u64, length_bytes: usize, token: u64) -> Submission {
    let buffer = AlignedBuffer::new(length_bytes.max(1)).unwrap();
    Submission {
        op: Op::Read,
        file: Arc::clone(file),
        offset_bytes,
        start: 0,
        length_bytes,
        buffer,
        token,
    }
}

/// Every second range of `unit` multiples is written, from an odd place in the buffer and in a mixed order; the
/// ranges between keep what was there.
fn write_mixed_and_read_back(queue: &mut dyn Queue, path: &Path, file: OwnedFd, unit: usize) {
    const RANGES: u64 = 37;
    let (length, start) = (5 * unit, 3 * unit);
    let place = |i: u64| ((2 * i + 1) * 5 + 1) * unit as u64;
    let mut old = vec![0xEE_u8; (place(RANGES) as usize) + 7 * unit];
    std::fs::write(path, &old).unwrap();
    let file = Arc::new(file);

    let mixed = |i: u64| i * 10 % RANGES;
    let writes = (0..RANGES).map(mixed).map(|i| {
        let mut buffer = AlignedBuffer::new(start + length + unit).unwrap();
        buffer.fill(0x55);
        for (k, byte) in buffer[start..][..length].iter_mut().enumerate() {
            *byte = pattern(place(i) + k as u64);
        }
        let (op, file, offset_bytes) = (Op::Write, Arc::clone(&file), place(i));
        Submission {
            op,
            file,
            offset_bytes,
            start,
            length_bytes: length,
            buffer,
            token: i,
        }
    });
    let done = run(queue, writes);
    assert_eq!(tokens(&done), (0..RANGES).collect::<Vec<_>>());
    assert!(
        done.iter()
            .all(|done| matches!(done.result, Ok(n) if n == length)),
        "{done:?}"
    );

    for i in 0..RANGES {
        for k in place(i)..place(i) + length as u64 {
            old[k as usize] = pattern(k);
        }
    }
    assert!(
        std::fs::read(path).unwrap() == old,
        "{queue:?}: the file differs, unit {unit}"
    );

    let done = run(
        queue,
        (0..RANGES)
            .rev()
            .map(mixed)
            .map(|i| read(&file, place(i), length, i)),
    );
    assert_eq!(tokens(&done), (0..RANGES).collect::<Vec<_>>());
    for done in &done {
        assert!(matches!(done.result, Ok(n) if n == length), "{done:?}");
        let expected = &old[place(done.token) as usize..][..length];
        assert!(
            done.buffer[..] == *expected,
            "{queue:?}: range {}",
            done.token
        );
    }
    assert_eq!(
        Arc::strong_count(&file),
        1,
        "a completed operation keeps no file"
    );
}

fn tokens(done: &[Completion]) -> Vec<u64> {
    let mut tokens = done.iter().map(|done| done.token).collect::<Vec<_>>();
    tokens.sort_unstable();
    tokens
}

#[test]
fn direct_writes_in_any_order_are_read_back_at_odd_places() {
    for mut queue in both_queues() {
        let folder = folder();
        let path = file_of(folder.path(), &[]);
        let file = sys::block::open_exclusive(&path).unwrap();
        write_mixed_and_read_back(&mut *queue, &path, file, 4096);
    }
}

#[test]
fn buffered_writes_in_any_order_are_read_back_at_odd_bytes() {
    for mut queue in both_queues() {
        let folder = folder();
        let path = file_of(folder.path(), &[]);
        let file = File::options().read(true).write(true).open(&path).unwrap();
        write_mixed_and_read_back(&mut *queue, &path, file.into(), 13);
    }
}

#[test]
fn read_at_the_end_is_short_and_behind_it_zero() {
    for mut queue in both_queues() {
        let folder = folder();
        let path = file_of(folder.path(), &[0xC3; 10_000]);
        let file = Arc::new(sys::block::open_read(&path).unwrap());
        let reads = [
            read(&file, 9000, 4096, 0),
            read(&file, 10_000, 4096, 1),
            read(&file, 1 << 40, 4096, 2),
        ];
        let mut done = run(&mut *queue, reads);
        done.sort_unstable_by_key(|done| done.token);
        let moved = done
            .iter()
            .map(|done| *done.result.as_ref().unwrap())
            .collect::<Vec<_>>();
        assert_eq!(moved, [1000, 0, 0]);
        assert!(done[0].buffer[..1000].iter().all(|byte| *byte == 0xC3));
        assert!(done[0].buffer[1000..].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn failed_operation_names_its_error_and_its_neighbours_succeed() {
    for mut queue in both_queues() {
        let folder = folder();
        let path = file_of(folder.path(), &[1; 4096]);
        let file = Arc::new(sys::block::open_read(&path).unwrap());
        let refused = Submission {
            op: Op::Write,
            ..read(&file, 0, 4096, 1)
        };
        let mut done = run(
            &mut *queue,
            [read(&file, 0, 4096, 0), refused, read(&file, 0, 4096, 2)],
        );
        done.sort_unstable_by_key(|done| done.token);
        assert_eq!(*done[0].result.as_ref().unwrap(), 4096);
        assert_eq!(
            done[1].result.as_ref().unwrap_err().raw_os_error(),
            Some(libc::EBADF)
        );
        assert_eq!(*done[2].result.as_ref().unwrap(), 4096);
        assert!(std::fs::read(&path).unwrap() == [1; 4096]);
    }
}

#[test]
fn full_queue_gives_the_submission_back_untouched() {
    for mut queue in both_queues() {
        let folder = folder();
        let path = file_of(folder.path(), &[1; 4096]);
        let file = Arc::new(sys::block::open_read(&path).unwrap());
        for token in 0..u64::from(ENTRIES) {
            queue.submit(read(&file, 0, 4096, token)).unwrap();
        }
        let mut extra = read(&file, 0, 4096, 99);
        extra.buffer.fill(0x77);
        let (error, back) = queue.submit(extra).unwrap_err();
        assert_eq!((error.kind(), back.token), (io::ErrorKind::WouldBlock, 99));
        assert!(back.buffer.iter().all(|byte| *byte == 0x77));
        let done = run(&mut *queue, [back]);
        assert_eq!(tokens(&done), [0, 1, 2, 3, 99]);
    }
}

#[test]
fn impossible_range_is_refused_before_the_kernel_sees_it() {
    for mut queue in both_queues() {
        let folder = folder();
        let path = file_of(folder.path(), &[1; 4096]);
        let file = Arc::new(sys::block::open_read(&path).unwrap());
        let whole = || read(&file, 0, 4096, 0);
        for wrong in [
            Submission {
                start: 1,
                ..whole()
            },
            Submission {
                start: 4097,
                length_bytes: 0,
                ..whole()
            },
            Submission {
                length_bytes: 4097,
                ..whole()
            },
            Submission {
                start: usize::MAX,
                ..whole()
            },
            Submission {
                offset_bytes: u64::MAX,
                ..whole()
            },
            Submission {
                offset_bytes: i64::MAX as u64,
                ..whole()
            },
        ] {
            let (error, _) = queue.submit(wrong).unwrap_err();
            assert_eq!(
                (error.kind(), queue.in_flight()),
                (io::ErrorKind::InvalidInput, 0)
            );
        }
    }
}

#[test]
fn wait_with_nothing_in_flight_returns_at_once() {
    for mut queue in both_queues() {
        let mut out = Vec::new();
        queue.wait(Duration::MAX, &mut out).unwrap();
        assert!(out.is_empty());
    }
}

#[test]
fn wait_without_a_bound_ends_with_the_operation() {
    for mut queue in both_queues() {
        let folder = folder();
        let path = file_of(folder.path(), &[1; 4096]);
        let file = Arc::new(sys::block::open_read_direct(&path).unwrap());
        queue.submit(read(&file, 0, 4096, 5)).unwrap();
        let mut out = Vec::new();
        while out.is_empty() {
            queue.wait(Duration::MAX, &mut out).unwrap();
        }
        assert_eq!((tokens(&out), queue.in_flight()), (vec![5], 0));
    }
}

#[test]
fn queue_moves_between_threads_with_operations_in_flight() {
    for mut queue in both_queues() {
        let folder = folder();
        let path = file_of(folder.path(), &[9; 8192]);
        let file = Arc::new(sys::block::open_read_direct(&path).unwrap());
        queue.submit(read(&file, 0, 8192, 3)).unwrap();
        queue.flush().unwrap();
        let done = std::thread::spawn(move || run(&mut *queue, []))
            .join()
            .unwrap();
        assert_eq!(*done[0].result.as_ref().unwrap(), 8192);
        assert!(done[0].buffer.iter().all(|byte| *byte == 9));
    }
}

#[test]
fn queue_without_entries_is_an_error() {
    assert_eq!(queue(0).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert_eq!(
        Threads::new(0).unwrap_err().kind(),
        io::ErrorKind::InvalidInput
    );
    assert_eq!(
        queue(1 << 20).unwrap_err().kind(),
        io::ErrorKind::InvalidInput
    );
}

#[test]
fn kernel_with_io_uring_gives_a_ring() {
    assert!(format!("{:?}", queue(2).unwrap()).starts_with("Ring(0 of 2"));
}

/// A read that does not end by itself: nothing is written to the pipe yet.
fn ring_that_reads_an_empty_pipe() -> (Ring, PipeWriter, usize) {
    let (reader, writer): (PipeReader, PipeWriter) = io::pipe().unwrap();
    let file = Arc::new(OwnedFd::from(reader));
    let mut ring = Ring::new(2).unwrap();
    let submission = read(&file, 0, 4096, 11);
    let address = submission.buffer.as_ptr().addr();
    ring.submit(submission).unwrap();
    ring.flush().unwrap();
    (ring, writer, address)
}

#[test]
fn ring_waits_no_longer_than_the_timeout_and_keeps_the_operation() {
    let (mut ring, mut writer, _) = ring_that_reads_an_empty_pipe();
    let mut out = Vec::new();
    ring.wait(Duration::from_millis(1), &mut out).unwrap();
    ring.wait(Duration::ZERO, &mut out).unwrap();
    assert_eq!((out.len(), ring.in_flight()), (0, 1));
    writer.write_all(b"late").unwrap();
    while out.is_empty() {
        ring.wait(LONG, &mut out).unwrap();
    }
    assert_eq!(
        (*out[0].result.as_ref().unwrap(), &out[0].buffer[..4]),
        (4, &b"late"[..])
    );
}

#[test]
fn dropped_ring_keeps_the_buffer_mapped_and_lets_go_of_the_file() {
    let (ring, writer, address) = ring_that_reads_an_empty_pipe();
    drop(ring);
    assert!(is_mapped(address), "the kernel could still write to it");
    // The pipe's writing end reports an error once its last reader is gone; the kernel closes it in its own time.
    let mut end = libc::pollfd {
        fd: writer.as_raw_fd(),
        events: 0,
        revents: 0,
    };
    // SAFETY: poll reads and writes one pollfd, which outlives the call.
    let ready = unsafe { libc::poll(&raw mut end, 1, LONG.as_millis() as i32) };
    assert_eq!((ready, end.revents & libc::POLLERR), (1, libc::POLLERR));
}

#[test]
fn dropped_ring_starts_nothing_that_was_not_flushed() {
    let folder = folder();
    let path = file_of(folder.path(), &[1; 4096]);
    let file = Arc::new(sys::block::open_exclusive(&path).unwrap());
    let mut ring = Ring::new(2).unwrap();
    ring.submit(Submission {
        op: Op::Write,
        ..read(&file, 0, 4096, 0)
    })
    .unwrap();
    drop(ring);
    assert_eq!(Arc::strong_count(&file), 1);
    assert!(std::fs::read(&path).unwrap() == [1; 4096]);
}

fn is_mapped(address: usize) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().any(|line| {
        let (range, _) = line.split_once(' ').unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let number = |hex| usize::from_str_radix(hex, 16).unwrap();
        (number(from)..number(to)).contains(&address)
    })
}

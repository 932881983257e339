//! Real block devices of the kernel: loop devices over files that the test makes. Needs root; as
//! another user each test fails and says so.

mod support;

use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use support::{
    Manner, OLD, aes_pattern_by_openssl, bytes_of, direct, job, no_cancel, old_file, run_all,
    target,
};
use wipe::engine::{Engine, QueueMaker, run_with};
use wipe::job::Job;
use wipe::options::Options;
use wipe::outcome::{Conclusion, Outcome, PassKind, Shortfall};
use wipe::pattern::Cipher;

/// A loop device of ours, detached on drop.
struct Loop {
    device: PathBuf,
    backing: PathBuf,
}

impl Loop {
    fn over(backing: &Path, sector: u32) -> Self {
        require_root();
        let backing = backing.canonicalize().unwrap();
        let out = Command::new("losetup")
            .args(["--find", "--show", "--sector-size", &sector.to_string()])
            .arg(&backing)
            .output()
            .unwrap();
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        let device = PathBuf::from(String::from_utf8(out.stdout).unwrap().trim());
        let this = Self { device, backing };
        this.check();
        this
    }

    /// By identity, not by name: the kernel says which file is behind it.
    fn check(&self) {
        let name = self.device.file_name().unwrap().to_str().unwrap();
        let shown =
            std::fs::read_to_string(format!("/sys/block/{name}/loop/backing_file")).unwrap();
        assert_eq!(
            Path::new(shown.trim_end()),
            self.backing,
            "not our loop device"
        );
    }

    fn job(&self, name: &str, sector: u32, passes: &[PassKind]) -> Job {
        self.check();
        let file = direct(&self.device);
        let mut manner = Manner::plain(name);
        manner.file = Some(file.try_clone().unwrap());
        let bytes = bytes_len(&self.backing);
        job(
            target(name, &file, bytes, sector, 4096),
            Arc::new(manner),
            Cipher::Aes128Ctr,
            passes,
        )
    }

    /// What is in the file, past every cache of the device.
    fn settled(self) -> Vec<u8> {
        let backing = self.backing.clone();
        drop(self);
        bytes_of(&backing)
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let status = Command::new("losetup")
            .arg("--detach")
            .arg(&self.device)
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "{} stays attached",
            self.device.display()
        );
    }
}

fn bytes_len(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

/// A test that cannot do its work must not pass.
fn require_root() {
    let uid = std::fs::metadata("/proc/self").unwrap().uid();
    assert_eq!(
        uid, 0,
        "loop devices and mounts need root: run this as root"
    );
}

/// The queue that this kernel gives, and the one for kernels without io_uring: the same outcomes.
fn by_both_queues(test: impl Fn(&dyn Fn(Vec<Job>) -> Vec<Outcome>)) {
    let queues: [QueueMaker; 2] = [Arc::new(sys::queue::queue), Arc::new(sys::queue::threads)];
    for queues in queues {
        test(&|jobs| {
            let engine = Engine::with_queues(Options::default(), no_cancel(), Arc::clone(&queues));
            run_with(engine, jobs)
        });
    }
}

#[test]
fn devices_of_512_and_4096_byte_sectors_hold_the_pattern_and_their_neighbour_is_untouched() {
    by_both_queues(every_device_holds_the_pattern_and_their_neighbour_is_untouched);
}

fn every_device_holds_the_pattern_and_their_neighbour_is_untouched(
    run: &dyn Fn(Vec<Job>) -> Vec<Outcome>,
) {
    let folder = tempfile::tempdir().unwrap();
    let backing = |name: &str, bytes: u64| {
        let path = folder.path().join(name);
        drop(old_file(&path, bytes));
        path
    };
    // One sector more than whole requests, and a device shorter than a request.
    let cases = [
        (512_u32, 512 * 6145_u64),
        (4096, 4096 * 1025),
        (512, 512),
        (4096, 4096 * 3),
    ];
    let loops: Vec<Loop> = (cases.iter().enumerate())
        .map(|(n, (sector, bytes))| Loop::over(&backing(&format!("loop-{n}"), *bytes), *sector))
        .collect();
    let neighbour = Loop::over(&backing("neighbour", 512 * 4096), 512);
    let jobs = loops
        .iter()
        .zip(&cases)
        .enumerate()
        .map(|(n, (device, (sector, _)))| {
            device.job(&format!("loop-{n}"), *sector, &[PassKind::Pattern])
        });
    let outcomes = run(jobs.collect());
    for (n, ((outcome, device), (_, bytes))) in outcomes.iter().zip(loops).zip(cases).enumerate() {
        assert!(
            matches!(outcome.conclusion, Conclusion::Verified(_)),
            "{outcome:?}"
        );
        let expected = aes_pattern_by_openssl(&format!("loop-{n}"), 0, bytes as usize);
        assert!(device.settled() == expected, "loop-{n}");
    }
    assert!(neighbour.settled().iter().all(|byte| *byte == OLD));
}

#[test]
fn device_that_refuses_part_of_the_writes_is_not_complete_and_lists_what_is_not_written() {
    by_both_queues(what_a_device_refuses_is_listed);
}

fn what_a_device_refuses_is_listed(run: &dyn Fn(Vec<Job>) -> Vec<Outcome>) {
    // The kernel's own refusals: a sparse file of 8 MiB on a file system of 4 MiB.
    let folder = tempfile::tempdir().unwrap();
    let small = Mount::tmpfs(folder.path(), 4 << 20);
    let backing = folder.path().join("sparse");
    std::fs::File::create_new(&backing)
        .unwrap()
        .set_len(8 << 20)
        .unwrap();
    let device = Loop::over(&backing, 512);
    let outcome = run(vec![device.job("sparse", 512, &[PassKind::Pattern])]).remove(0);
    let Conclusion::NotComplete(reasons) = &outcome.conclusion else {
        panic!("{outcome:?}")
    };
    let pass = &outcome.passes[0];
    assert!(
        reasons.contains(&Shortfall::WriteErrors {
            bytes: pass.write_error_bytes
        }),
        "{reasons:?}"
    );
    assert_eq!(pass.written_bytes + pass.write_error_bytes, 8 << 20);
    assert!(
        pass.written_bytes > 2 << 20 && pass.write_error_bytes >= 4 << 20,
        "{pass:?}"
    );
    let found = device.settled();
    let expected = aes_pattern_by_openssl("sparse", 0, 8 << 20);
    for (n, (found, expected)) in found.chunks(512).zip(expected.chunks(512)).enumerate() {
        let at = n as u64 * 512;
        let listed = pass
            .write_errors
            .iter()
            .any(|range| range.start <= at && at < range.end);
        assert!(
            listed || found == expected,
            "byte {at} is neither listed nor the pattern"
        );
    }
    drop(small);
}

/// A small file system of ours, unmounted on drop.
struct Mount(PathBuf);

impl Mount {
    fn tmpfs(at: &Path, bytes: u64) -> Self {
        require_root();
        let size = format!("size={bytes}");
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(at)
            .status()
            .unwrap();
        assert!(status.success());
        Self(at.to_owned())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn drive_opened_for_reading_only_is_not_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read-only");
    drop(old_file(&path, 512 * 3000));
    let device = Loop::over(&path, 512);
    let mut job = device.job("read-only", 512, &[PassKind::Pattern]);
    let file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_DIRECT)
        .open(&device.device)
        .unwrap();
    job.target.file = Arc::new(file.into());
    let outcome = run_all(vec![job]).remove(0);
    let Conclusion::NotComplete(reasons) = &outcome.conclusion else {
        panic!("{outcome:?}")
    };
    assert!(
        reasons.contains(&Shortfall::WriteErrors { bytes: 512 * 3000 }),
        "{reasons:?}"
    );
    assert!(device.settled().iter().all(|byte| *byte == OLD));
}

//! The block door and the queues on loop devices that the test attached itself, which needs root.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sys::aligned::AlignedBuffer;
use sys::block;
use sys::blocking_queue::Threads;
use sys::queue::{Op, Queue, Submission};
use sys::uring::Ring;

/// A loop device over a file of its own; both go with it.
struct LoopDevice {
    path: PathBuf,
    backing: tempfile::NamedTempFile,
}

impl LoopDevice {
    /// Without root the test fails: one that cannot do its work must not pass.
    fn attach(len_bytes: u64, options: &[&str]) -> LoopDevice {
        let uid = std::fs::metadata("/proc/self").unwrap().uid();
        assert_eq!(
            uid, 0,
            "attaching loop devices needs root: run this as root"
        );
        let backing = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        backing.as_file().set_len(len_bytes).unwrap();
        let path = losetup(backing.path(), options);
        LoopDevice { path, backing }
    }

    fn attach_again(&mut self) {
        detach(&self.path);
        self.path = losetup(self.backing.path(), &[]);
    }
}

impl Drop for LoopDevice {
    fn drop(&mut self) {
        detach(&self.path);
    }
}

fn losetup(backing: &Path, options: &[&str]) -> PathBuf {
    let attach = Command::new("losetup")
        .args(["--find", "--show"])
        .args(options)
        .arg(backing)
        .output();
    let output = attach.expect("losetup from util-linux starts");
    assert!(
        output.status.success(),
        "losetup: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let path = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    // Not a byte is written before the kernel says that this device is our file.
    let name = path.file_name().unwrap().to_str().unwrap();
    let backing_file =
        std::fs::read_to_string(format!("/sys/block/{name}/loop/backing_file")).unwrap();
    assert_eq!(
        Path::new(backing_file.trim_end()),
        backing.canonicalize().unwrap()
    );
    path
}

fn detach(path: &Path) {
    let status = Command::new("losetup")
        .arg("--detach")
        .arg(path)
        .status()
        .unwrap();
    assert!(status.success(), "losetup --detach {}", path.display());
}

#[test]
fn geometry_is_what_the_device_was_made_with() {
    let device = LoopDevice::attach(8 << 20, &[]);
    let fd = block::open_read(&device.path).unwrap();
    assert_eq!(block::size_bytes(fd.as_fd()).unwrap(), 8 << 20);
    assert_eq!(block::logical_sector_bytes(fd.as_fd()).unwrap(), 512);
    assert!(!block::is_read_only(fd.as_fd()).unwrap());

    let device = LoopDevice::attach(8 << 20, &["--sector-size", "4096", "--read-only"]);
    let fd = block::open_read(&device.path).unwrap();
    assert_eq!(block::size_bytes(fd.as_fd()).unwrap(), 8 << 20);
    assert_eq!(block::logical_sector_bytes(fd.as_fd()).unwrap(), 4096);
    assert_eq!(block::physical_sector_bytes(fd.as_fd()).unwrap(), 4096);
    assert!(block::is_read_only(fd.as_fd()).unwrap());
}

#[test]
fn read_only_device_opens_but_takes_no_write() {
    let queues: [Box<dyn Queue>; 2] = [
        Box::new(Ring::new(4).unwrap()),
        Box::new(Threads::new(4).unwrap()),
    ];
    for mut queue in queues {
        let device = LoopDevice::attach(1 << 20, &["--read-only"]);
        let file = Arc::new(block::open_exclusive(&device.path).unwrap());
        let buffer = AlignedBuffer::new(4096).unwrap();
        let refused = block::write_at(file.as_fd(), &buffer, 0).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::EPERM));
        let (op, length_bytes) = (Op::Write, 4096);
        queue
            .submit(Submission {
                op,
                file,
                offset_bytes: 0,
                start: 0,
                length_bytes,
                buffer,
                token: 0,
            })
            .unwrap();
        let mut out = Vec::new();
        while out.is_empty() {
            queue.wait(Duration::from_secs(60), &mut out).unwrap();
        }
        assert_eq!(
            out.remove(0).result.unwrap_err().raw_os_error(),
            Some(libc::EPERM)
        );
    }
}

#[test]
fn disk_sequence_is_another_after_the_device_was_attached_again() {
    let mut device = LoopDevice::attach(1 << 20, &[]);
    let sequence = |device: &LoopDevice| {
        let fd = block::open_read(&device.path).unwrap();
        let first = block::disk_sequence(fd.as_fd()).unwrap();
        assert_eq!(first, block::disk_sequence(fd.as_fd()).unwrap());
        first
    };
    let before = sequence(&device);
    device.attach_again();
    assert!(sequence(&device) > before);
}

#[test]
fn exclusive_open_keeps_out_a_second_one_until_it_is_closed() {
    let device = LoopDevice::attach(1 << 20, &[]);
    let first = block::open_exclusive(&device.path).unwrap();
    let refused = block::open_exclusive(&device.path).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EBUSY));
    drop(first);
    block::open_exclusive(&device.path).unwrap();
}

#[test]
fn cached_reads_see_the_medium_after_a_flush_of_the_cache() {
    let device = LoopDevice::attach(1 << 20, &[]);
    let cached = block::open_read(&device.path).unwrap();
    let mut buffer = [0xFF; 4096];
    block::read_at(cached.as_fd(), &mut buffer, 0).unwrap();
    assert!(buffer == [0; 4096]);
    // Behind the device's back: its page cache knows nothing of this.
    device
        .backing
        .as_file()
        .write_all_at(&[0x42; 4096], 0)
        .unwrap();
    block::read_at(cached.as_fd(), &mut buffer, 0).unwrap();
    assert!(
        buffer == [0; 4096],
        "the cache is not what this test takes it for"
    );
    block::flush_buffers(cached.as_fd()).unwrap();
    block::read_at(cached.as_fd(), &mut buffer, 0).unwrap();
    assert!(buffer == [0x42; 4096]);
}

#[test]
fn partitions_are_what_the_table_says_after_it_was_read_again() {
    let device = LoopDevice::attach(4 << 20, &["--partscan"]);
    let name = device.path.file_name().unwrap().to_str().unwrap();
    let partition = PathBuf::from(format!("/sys/block/{name}/{name}p1"));
    // Told to the kernel alone, so that no partition table format needs to be built into it.
    let added = Command::new("addpart")
        .arg(&device.path)
        .args(["1", "2048", "2048"])
        .status();
    assert!(added.expect("addpart from util-linux starts").success());
    assert!(partition.exists());
    let fd = block::open_exclusive(&device.path).unwrap();
    block::reread_partitions(fd.as_fd()).unwrap();
    assert!(!partition.exists());

    let plain = LoopDevice::attach(1 << 20, &[]);
    let fd = block::open_exclusive(&plain.path).unwrap();
    let refused = block::reread_partitions(fd.as_fd()).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EINVAL));
}

#[test]
fn queue_fills_a_device_of_4096_byte_sectors_to_its_last_byte() {
    const REQUEST: usize = 1 << 20;
    const SIZE: u64 = 8 * REQUEST as u64 + 4096;
    let queues: [Box<dyn Queue>; 2] = [
        Box::new(Ring::new(4).unwrap()),
        Box::new(Threads::new(4).unwrap()),
    ];
    for mut queue in queues {
        let device = LoopDevice::attach(SIZE, &["--sector-size", "4096"]);
        let file = Arc::new(block::open_exclusive(&device.path).unwrap());
        let mut buffers = AlignedBuffer::many(REQUEST, 4).unwrap();
        let (mut next, mut written, mut out) = (0, 0, Vec::new());
        while written < SIZE {
            while next < SIZE
                && let Some(mut buffer) = buffers.pop()
            {
                buffer.fill((next / REQUEST as u64) as u8 + 1);
                let length_bytes = REQUEST.min((SIZE - next) as usize);
                let (op, file) = (Op::Write, Arc::clone(&file));
                let submission = Submission {
                    op,
                    file,
                    offset_bytes: next,
                    start: 0,
                    length_bytes,
                    buffer,
                    token: next,
                };
                queue.submit(submission).unwrap();
                next += length_bytes as u64;
            }
            queue.wait(Duration::from_secs(60), &mut out).unwrap();
            for done in out.drain(..) {
                written += done.result.unwrap() as u64;
                buffers.push(done.buffer);
            }
        }
        block::sync(file.as_fd()).unwrap();
        let medium = std::fs::read(device.backing.path()).unwrap();
        assert_eq!(medium.len() as u64, SIZE);
        assert!(
            medium
                .iter()
                .enumerate()
                .all(|(i, byte)| *byte == (i / REQUEST) as u8 + 1),
            "{queue:?}"
        );

        // Half a sector, and a place behind the end, are refused by the kernel, each in its own completion.
        for (offset_bytes, length_bytes) in [(512, 4096), (0, 512), (SIZE, 4096)] {
            let (op, file, buffer) = (Op::Write, Arc::clone(&file), buffers.pop().unwrap());
            let token = offset_bytes;
            queue
                .submit(Submission {
                    op,
                    file,
                    offset_bytes,
                    start: 0,
                    length_bytes,
                    buffer,
                    token,
                })
                .unwrap();
        }
        while queue.in_flight() > 0 {
            queue.wait(Duration::from_secs(60), &mut out).unwrap();
        }
        for done in out {
            let expected = if done.token == SIZE {
                libc::ENOSPC
            } else {
                libc::EINVAL
            };
            assert_eq!(done.result.unwrap_err().raw_os_error(), Some(expected));
        }
        assert!(std::fs::read(device.backing.path()).unwrap() == medium);
    }
}

#[test]
fn pass_through_to_a_device_that_has_none_is_an_error() {
    let device = LoopDevice::attach(1 << 20, &[]);
    let fd = block::open_read(&device.path).unwrap();
    let is_refused =
        |error: io::Error| matches!(error.raw_os_error(), Some(libc::ENOTTY | libc::EINVAL));
    let second = Duration::from_secs(1);
    let inquiry = sys::scsi_generic::execute(
        fd.as_fd(),
        &[0x12, 0, 0, 0, 96, 0],
        sys::data::Data::None,
        second,
    );
    assert!(is_refused(inquiry.unwrap_err()));
    let command = sys::nvme::AdminCommand {
        opcode: 0x0A,
        ..Default::default()
    };
    assert!(is_refused(
        sys::nvme::admin(fd.as_fd(), &command, sys::data::Data::None, second).unwrap_err()
    ));
    assert!(is_refused(sys::mmc::ext_csd(fd.as_fd()).unwrap_err()));
}

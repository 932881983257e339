//! The block door on regular files: what a file has in common with a device.

use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use sys::aligned::AlignedBuffer;
use sys::block;

fn file_of(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("medium");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn reads_fill_the_whole_buffer_or_fail() {
    let (_folder, path) = file_of(&(0..=255).collect::<Vec<u8>>());
    let file = block::open_read(&path).unwrap();
    let mut buffer = [0; 56];
    block::read_at(file.as_fd(), &mut buffer, 200).unwrap();
    assert_eq!((buffer[0], buffer[55]), (200, 255));
    let short = block::read_at(file.as_fd(), &mut buffer, 201);
    assert_eq!(short.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    let beyond = block::read_at(file.as_fd(), &mut buffer, u64::MAX);
    assert_eq!(beyond.unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn writes_land_where_told_and_survive_a_sync() {
    let (_folder, path) = file_of(&[0; 3 * 4096]);
    let file = block::open_exclusive(&path).unwrap();
    let mut buffer = AlignedBuffer::new(4096).unwrap();
    buffer.fill(0xAB);
    block::write_at(file.as_fd(), &buffer, 4096).unwrap();
    block::sync(file.as_fd()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(
        bytes[..4096]
            .iter()
            .chain(&bytes[8192..])
            .all(|byte| *byte == 0)
    );
    assert!(bytes[4096..8192].iter().all(|byte| *byte == 0xAB));
}

#[test]
fn direct_files_refuse_unaligned_requests_and_reads_refuse_to_write() {
    let (_folder, path) = file_of(&[0; 8192]);
    let direct = block::open_read_direct(&path).unwrap();
    let mut buffer = AlignedBuffer::new(4096).unwrap();
    let refused = block::read_at(direct.as_fd(), &mut buffer, 1).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EINVAL));
    block::read_at(direct.as_fd(), &mut buffer, 4096).unwrap();
    let refused = block::write_at(direct.as_fd(), &buffer, 0).unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EBADF));
}

#[test]
fn descriptor_for_questions_is_not_left_nonblocking() {
    let (_folder, path) = file_of(&[0; 512]);
    let file = block::open_read(&path).unwrap();
    let flags = OFlag::from_bits_retain(fcntl(&file, FcntlArg::F_GETFL).unwrap());
    assert!(
        !flags.intersects(OFlag::O_NONBLOCK | OFlag::O_DIRECT | OFlag::O_RDWR),
        "{flags:?}"
    );
}

#[test]
fn file_is_no_block_device() {
    let (_folder, path) = file_of(&[0; 512]);
    let file = block::open_read(&path).unwrap();
    let fd = file.as_fd();
    let errors = [
        block::size_bytes(fd).unwrap_err(),
        block::logical_sector_bytes(fd).unwrap_err(),
        block::physical_sector_bytes(fd).unwrap_err(),
        block::is_read_only(fd).unwrap_err(),
        block::disk_sequence(fd).unwrap_err(),
        block::flush_buffers(fd).unwrap_err(),
        block::reread_partitions(fd).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.raw_os_error(), Some(libc::ENOTTY), "{error}");
    }
}

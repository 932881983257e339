//! Loop devices stand for the areas of a card, in a folder that stands for sysfs. What the kernel does at
//! its switch `force_ro` is not shown by them.

use super::*;
use crate::claim::{Consent, ConsentSource};
use crate::discover::{Machine, Roots};
use crate::facts::DriveFacts;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use sys::aligned::AlignedBuffer;
use tempfile::TempDir;

const LEN: u64 = 128 << 10;
const CARD: &str = "sys/devices/mmc_host/mmc0/mmc0:0001";
const CID: &str = "45010044463430313601CAFE00014800";

/// A loop device over a file of its own, given back at the end.
struct Loop(String);

impl Loop {
    fn new(file: &Path, options: &[&str]) -> Self {
        fs::File::create(file).unwrap().set_len(LEN).unwrap();
        let mut losetup = Command::new("losetup");
        let out = losetup.args(["--find", "--show"]).args(options).arg(file);
        let out = out.output().unwrap();
        assert!(out.status.success(), "{out:?}: needs root and loop devices");
        Self(String::from_utf8(out.stdout).unwrap().trim().to_owned())
    }

    fn number(&self) -> String {
        let name = Path::new(&self.0).file_name().unwrap();
        let dev = Path::new("/sys/block").join(name).join("dev");
        fs::read_to_string(dev).unwrap().trim().to_owned()
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["--detach", &self.0]).status();
    }
}

/// A claimed card with one boot area.
struct Bench {
    dir: TempDir,
    claimed: Claimed,
    boot: Loop,
    _user: Loop,
}

impl Bench {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |below: &str| dir.path().join(below);
        let (user, boot) = (
            Loop::new(&at("user.img"), &[]),
            Loop::new(&at("boot0.img"), options),
        );
        for (name, below, device) in [
            ("mmcblk0", "block/mmcblk0", &user),
            ("mmcblk0boot0", "block/mmcblk0/mmcblk0boot0", &boot),
        ] {
            let place = at(CARD).join(below);
            fs::create_dir_all(&place).unwrap();
            fs::create_dir_all(at("sys/block")).unwrap();
            fs::create_dir_all(at("dev")).unwrap();
            fs::write(place.join("dev"), device.number()).unwrap();
            fs::write(place.join("size"), (LEN / 512).to_string()).unwrap();
            symlink(&place, at("sys/block").join(name)).unwrap();
            symlink(&device.0, at("dev").join(name)).unwrap();
        }
        for (name, value) in [("type", "MMC"), ("serial", "0xcafe0001"), ("cid", CID)] {
            fs::write(at(CARD).join(name), value).unwrap();
        }
        fs::write(at(CARD).join("block/mmcblk0/mmcblk0boot0/force_ro"), "1\n").unwrap();
        let roots = Roots {
            sys: at("sys"),
            dev: at("dev"),
            proc: at("proc"),
        };
        let machine = Machine {
            roots: roots.clone(),
            opener: Arc::new(|_| Err(io::ErrorKind::Unsupported.into())),
            patience: Duration::from_secs(60),
        };
        let facts: DriveFacts = machine.listed("mmcblk0").unwrap();
        assert_eq!(facts.boot_areas.len(), 1, "{facts:?}");
        let fd = open(&facts.path).unwrap();
        let claimed = Claimed {
            consent: Consent {
                id: facts.identity.id(),
                source: ConsentSource::CommandLine,
            },
            device_number: number_of(&fd).unwrap(),
            fd: Arc::new(fd),
            facts,
            roots,
            disk_sequence: None,
            kept: Vec::new(),
            trace: Trace::default(),
        };
        Self {
            dir,
            claimed,
            boot,
            _user: user,
        }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    fn force_ro(&self) -> String {
        let text = self.path(CARD).join("block/mmcblk0/mmcblk0boot0/force_ro");
        // The file is not cut as sysfs cuts an attribute.
        fs::read_to_string(text).unwrap()[..1].to_owned()
    }

    fn medium(&self) -> Vec<u8> {
        fs::read(self.path("boot0.img")).unwrap()
    }
}

fn sector(byte: u8) -> AlignedBuffer {
    let mut sector = AlignedBuffer::new(512).unwrap();
    sector.fill(byte);
    sector
}

#[test]
fn area_of_the_claimed_card_is_held_lifted_written_and_protected_again() {
    let bench = Bench::new();
    let mut area = bench.claimed.boot_area(0).unwrap();
    assert_eq!((area.bytes(), bench.force_ro()), (LEN, "1".into()));
    area.lift().unwrap();
    assert_eq!(bench.force_ro(), "0");
    area.write_at(&sector(0xA5), LEN - 512).unwrap();
    area.flush().unwrap();
    let mut read = sector(0);
    area.read_at(&mut read, LEN - 512).unwrap();
    assert!(read.iter().all(|byte| *byte == 0xA5));
    let medium = bench.medium();
    let (front, last) = medium.split_at(medium.len() - 512);
    assert!(front.iter().all(|byte| *byte == 0) && last.iter().all(|byte| *byte == 0xA5));
    area.protect().unwrap();
    assert_eq!(bench.force_ro(), "1");
    let noted = bench.claimed.answers();
    let noted: Vec<_> = noted.iter().map(|answer| &*answer.command).collect();
    assert_eq!(
        noted,
        [
            "sysfs mmcblk0boot0/force_ro 0",
            "sysfs mmcblk0boot0/force_ro 1"
        ]
    );
}

#[test]
fn area_that_is_dropped_in_the_middle_is_protected_again() {
    let bench = Bench::new();
    let mut area = bench.claimed.boot_area(0).unwrap();
    area.lift().unwrap();
    assert_eq!(bench.force_ro(), "0");
    drop(area);
    assert_eq!(bench.force_ro(), "1");
    // One whose protection somebody else took away stays as it was found.
    let switch = bench.path(CARD).join("block/mmcblk0/mmcblk0boot0/force_ro");
    fs::write(switch, "0\n").unwrap();
    let mut area = bench.claimed.boot_area(0).unwrap();
    area.lift().unwrap();
    drop(area);
    assert_eq!(bench.force_ro(), "0");
}

#[test]
fn area_that_the_kernel_keeps_read_only_is_not_lifted_and_protected_again() {
    let bench = Bench::with(&["--read-only"]);
    // Where the kernel does not open it for writing at all, it is not held either.
    if let Ok(mut area) = bench.claimed.boot_area(0) {
        let why = area.lift().unwrap_err();
        assert!(why.contains("keeps it read-only"), "{why}");
    }
    assert_eq!(bench.force_ro(), "1");
    assert!(bench.medium().iter().all(|byte| *byte == 0));
}

#[test]
fn area_of_another_card_or_place_or_of_somebody_is_not_held() {
    let refused = |bench: &Bench| bench.claimed.boot_area(0).unwrap_err();
    let bench = Bench::new();
    let first = bench.claimed.boot_area(0).unwrap();
    assert!(refused(&bench).contains("cannot be held"));
    drop(first);
    assert!(bench.claimed.boot_area(1).is_err(), "there is none");

    let mut bench = Bench::new();
    let area = discover::identity_shown(&bench.claimed.roots, "mmcblk0boot0").unwrap();
    bench.claimed.kept = vec![area.id().to_uppercase()];
    assert!(refused(&bench).contains("to be kept"));

    // Another card came to this slot.
    let mut bench = Bench::new();
    fs::write(bench.path(CARD).join("cid"), CID.replace("CAFE", "CAFF")).unwrap();
    assert!(refused(&bench).contains("another card"));
    // One that shows no CID is nobody's.
    fs::remove_file(bench.path(CARD).join("cid")).unwrap();
    bench.claimed.facts.identity.world_wide = None;
    assert!(refused(&bench).contains("no CID"));

    // The name leads elsewhere, if to a device of the same size.
    let bench = Bench::new();
    let moved = bench.path("sys/devices/elsewhere/block/mmcblk0boot0");
    fs::create_dir_all(moved.parent().unwrap()).unwrap();
    let place = bench.path(CARD).join("block/mmcblk0/mmcblk0boot0");
    fs::rename(place, &moved).unwrap();
    let link = bench.path("sys/block/mmcblk0boot0");
    fs::remove_file(&link).unwrap();
    symlink(&moved, &link).unwrap();
    assert!(refused(&bench).contains("no area of the claimed card"));

    // The node is another device than the one in sysfs.
    let bench = Bench::new();
    let other = Loop::new(&bench.path("other.img"), &[]);
    let node = bench.path("dev/mmcblk0boot0");
    fs::remove_file(&node).unwrap();
    symlink(&other.0, &node).unwrap();
    assert!(refused(&bench).contains("open node is not"));
    assert_ne!(other.0, bench.boot.0);
}

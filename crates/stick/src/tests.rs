use crate::example::{VOLUME_AT, medium};
use crate::{CONFIGURATION, Error, Layout, REPORTS, Volume, layout};
use proptest::prelude::{any, prop, proptest};
use std::io::Cursor;

const MIB: usize = 1 << 20;
const GIB: u64 = 1 << 30;

/// A medium with a configuration in its volume.
fn made(volume_bytes: usize) -> Cursor<Vec<u8>> {
    let volume = Volume::format(medium(volume_bytes)).unwrap();
    volume
        .put_file("", CONFIGURATION, b"lang = \"fr\"\n")
        .unwrap();
    bytes(volume)
}

fn bytes(volume: Volume<Cursor<Vec<u8>>>) -> Cursor<Vec<u8>> {
    Cursor::new(volume.close().unwrap().borrow().get_ref().clone())
}

#[test]
fn what_was_put_is_there_when_it_is_opened_anew() {
    let volume = Volume::open(made(8 * MIB)).unwrap();
    let long = vec![7; 100_000];
    let files: [(&str, &[u8]); 2] = [("report.json.sig", b"signature"), ("report.json", &long)];
    volume
        .put_folder(REPORTS, "4209f851-675b-4d08-9785-89a0d93bf00f", &files)
        .unwrap();
    let volume = Volume::open(bytes(volume)).unwrap();
    assert_eq!(
        volume.names(REPORTS).unwrap(),
        ["4209f851-675b-4d08-9785-89a0d93bf00f"]
    );
    let path = format!("{REPORTS}/4209f851-675b-4d08-9785-89a0d93bf00f/report.json");
    assert_eq!(volume.read(&path, 1 << 20).unwrap(), Some(long));
    assert_eq!(volume.read("none", 9).unwrap(), None);
    assert!(volume.read(&path, 99_999).is_err());
    volume
        .remove_folder(REPORTS, "4209f851-675b-4d08-9785-89a0d93bf00f")
        .unwrap();
    assert_eq!(volume.names(REPORTS).unwrap(), Vec::<String>::new());
}

#[test]
fn nothing_outside_of_the_volume_is_written() {
    let before = made(8 * MIB);
    let volume = Volume::open(before.clone()).unwrap();
    let files: [(&str, &[u8]); 1] = [("report.json", &[9; 50_000])];
    for name in 0..60 {
        volume
            .put_folder(REPORTS, &name.to_string(), &files)
            .unwrap();
    }
    let after = bytes(volume);
    assert_eq!(before.get_ref()[..VOLUME_AT], after.get_ref()[..VOLUME_AT]);
    assert_ne!(before, after);
}

#[test]
fn full_volume_says_so_and_keeps_what_is_there() {
    let volume = Volume::open(made(2 * MIB)).unwrap();
    let files: [(&str, &[u8]); 1] = [("report.json", &[9; 100_000])];
    let mut put = 0;
    let error = loop {
        match volume.put_folder(REPORTS, &put.to_string(), &files) {
            Ok(()) => put += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Full { .. }), "{error:?}");
    let volume = Volume::open(bytes(volume)).unwrap();
    assert_eq!(volume.names(REPORTS).unwrap().len(), put);
    assert!(put > 10);
    // Room for a person who edits the configuration.
    assert!(volume.read(CONFIGURATION, 100).unwrap().is_some());
}

#[test]
fn layout_that_is_not_razs_is_none() {
    let good = made(2 * MIB);
    assert!(Layout::read(&mut good.clone()).is_ok());
    for (what, at) in [
        ("ISO 9660", 32770),
        ("its name", 32768 + 40),
        ("header", 512 + 60),
        ("entry", 1024 + 128 + 40),
    ] {
        let mut other = good.clone();
        other.get_mut()[at] ^= 1;
        let read = Layout::read(&mut other);
        assert!(matches!(read, Err(Error::NotRaz(_))), "{what}: {read:?}");
    }
    let mut cut = good.clone();
    let shorter = cut.get_ref().len() - 512;
    cut.get_mut().truncate(shorter);
    assert!(matches!(Layout::read(&mut cut), Err(Error::NotRaz(_))));
}

#[test]
fn damaged_file_system_is_an_error_or_answers_and_never_hangs() {
    let good = made(2 * MIB);
    let mut other = good.clone();
    other.get_mut()[VOLUME_AT..VOLUME_AT + 512].fill(0);
    assert!(matches!(Volume::open(other), Err(Error::Io(_))));
}

#[test]
fn file_system_that_says_it_is_larger_than_its_volume_is_not_used() {
    let mut medium = made(8 * MIB);
    let at = VOLUME_AT + 19;
    assert_eq!(medium.get_ref()[at..at + 2], u16::to_le_bytes(16384));
    medium.get_mut()[at..at + 2].copy_from_slice(&u16::to_le_bytes(40000));
    assert!(Volume::open(medium).is_err());
}

#[test]
fn larger_volume_reaches_to_the_end_of_its_stick() {
    let file = tempfile::tempfile().unwrap();
    let mut file = file;
    std::io::copy(&mut made(2 * MIB), &mut file).unwrap();
    let stick_bytes = 3 * GIB + 12_345 * 512;
    file.set_len(stick_bytes).unwrap();
    let from = Layout::read(&mut file).unwrap();
    let larger = layout::enlarge(&from, &mut file, stick_bytes, 4 * GIB).unwrap();
    assert_eq!(larger.volume.start, from.volume.start);
    assert!(
        larger.volume.end > stick_bytes - (2 << 20) && larger.volume.end <= stick_bytes - (1 << 20)
    );
    let volume = Volume::format(file.try_clone().unwrap()).unwrap();
    assert!(volume.free_bytes().unwrap() > 3 * GIB - (64 << 20));
    volume.put_file("", CONFIGURATION, b"x").unwrap();
    volume.close().unwrap();
    assert_eq!(
        Volume::open(file)
            .unwrap()
            .read(CONFIGURATION, 9)
            .unwrap()
            .unwrap(),
        b"x"
    );
    let small = layout::enlarge(&from, &mut made(2 * MIB), 3 << 20, 4 * GIB);
    assert!(matches!(small, Err(Error::NotRaz(_))));
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    /// Total: bytes of a stranger give an answer or an error.
    #[test]
    fn changed_bytes_of_the_file_system_never_panic(changes in prop::collection::vec((0..40_000_usize, any::<u8>()), 1..40)) {
        let mut medium = made(2 * MIB);
        for (at, byte) in changes {
            medium.get_mut()[VOLUME_AT + at] = byte;
        }
        let outside = medium.get_ref()[..VOLUME_AT].to_vec();
        if let Ok(volume) = Volume::open(medium) {
            let _ = volume.read(CONFIGURATION, 1 << 20);
            let _ = volume.names("");
            let _ = volume.put_folder(REPORTS, "1", &[("report.json", b"{}")]);
            if let Ok(storage) = volume.close() {
                assert_eq!(storage.borrow().get_ref()[..VOLUME_AT], outside);
            }
        }
    }
}

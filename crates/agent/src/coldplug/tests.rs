//! The loader on folders that stand for /sys, with a kernel that only notes what it was given.

use super::*;
use std::sync::Mutex;

#[test]
fn patterns_fit_as_fnmatch_has_it() {
    for (pattern, text, expected) in [
        (
            "pci:v00008086d*sv*sd*bc*sc*i*",
            "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01",
            true,
        ),
        (
            "pci:v*d*sv*sd*bc01sc06i01*",
            "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01",
            true,
        ),
        (
            "pci:v*d*sv*sd*bc01sc08i02*",
            "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01",
            false,
        ),
        ("usb:v05ACp12[9-A]*", "usb:v05ACp129Fd0001", true),
        ("usb:v05ACp12[0-8]*", "usb:v05ACp129Fd0001", false),
        ("a[!0-9]c", "abc", true),
        ("a[!0-9]c", "a5c", false),
        ("a[]x]c", "a]c", true),
        ("a[b", "a[b", true),
        ("a[b", "ab", false),
        ("[", "[", true),
        ("[!", "[!", true),
        ("", "", true),
        ("*", "", true),
        ("?", "", false),
        ("a*b*c", "aXbXbXc", true),
        ("a*b*c", "aXbXbX", false),
        ("scsi:t-0x00*", "scsi:t-0x00", true),
    ] {
        assert_eq!(
            fits(pattern.as_bytes(), text.as_bytes()),
            expected,
            "{pattern} on {text}"
        );
    }
}

#[test]
fn short_strings_over_the_special_characters_always_get_an_answer() {
    let alphabet = b"*?[]!-a";
    let strings: Vec<Vec<u8>> = (0..7_u32.pow(5))
        .map(|number| {
            (0..5)
                .map(|digit| alphabet[(number / 7_u32.pow(digit) % 7) as usize])
                .collect()
        })
        .collect();
    let fitting = strings
        .iter()
        .filter(|pattern| fits(pattern, b"a-[]!"))
        .count();
    assert!(fitting > 0 && fitting < strings.len());
}

#[test]
fn command_line_parameters_reach_their_module() {
    let parameters = parameters(
        "ro libata.ignore_hpa=1 libata.allow_tpm=1 usb-storage.delay_use=0 quiet -- x.y=1",
    );
    assert_eq!(parameters["libata"].as_c_str(), c"ignore_hpa=1 allow_tpm=1");
    assert_eq!(parameters["usb_storage"].as_c_str(), c"delay_use=0");
    assert_eq!(parameters.len(), 2);
}

const DEPENDENCIES: &str = "kernel/ahci.ko.xz: kernel/libahci.ko.xz kernel/libata.ko.xz\n\
    kernel/libahci.ko.xz: kernel/libata.ko.xz\nkernel/libata.ko.xz:\nkernel/sd-mod.ko.xz:\n\
    kernel/r8169.ko.xz:\nkernel/realtek.ko.xz:\nkernel/loop.ko.xz:\nkernel/laptop.ko.xz:\n";
const ALIASES: &str = "# made by depmod\nalias pci:v*bc01sc06* ahci\nalias scsi:t-0x00* sd_mod\n\
    alias pci:v000010ECd* r8169\nalias dmi*:svnSome Maker:* laptop\n";

fn plug<'a>(
    sysfs: &'a Path,
    load: impl Fn(&Path, &CStr) -> io::Result<()> + Send + Sync + 'static,
) -> Plug<'a> {
    Plug {
        index: Index::parse(
            DEPENDENCIES,
            ALIASES,
            "softdep r8169 pre: realtek\n",
            "loop\n",
        ),
        parameters: parameters("libata.ignore_hpa=1"),
        modules_dir: Path::new("/modules"),
        sysfs,
        load: Arc::new(load),
        has_had_its_time: |_, _| false,
        under_way: Vec::new(),
        tried: BTreeSet::new(),
        seen: BTreeSet::new(),
        loaded: Loaded::default(),
    }
}

fn device(sysfs: &Path, name: &str, alias: &str) {
    let folder = sysfs.join("devices").join(name);
    fs::create_dir_all(&folder).unwrap();
    let text = format!("DRIVER=x\nMODALIAS={alias}\nMODALIAS=of:N\n");
    fs::write(folder.join("uevent"), text).unwrap();
}

/// A folder of this test that goes away with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("raz-coldplug-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn dependencies_load_first_and_disks_behind_a_new_controller_are_found() {
    let folder = Folder::new("chain");
    let sysfs = folder.0.as_path();
    device(sysfs, "pci0/1f.2", "pci:v00008086d00002922bc01sc06i01");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (notes, theirs) = (Arc::clone(&asked), sysfs.to_owned());
    let mut plug = plug(sysfs, move |path, parameters| {
        let mut notes = notes.lock().unwrap();
        notes.push((path.to_path_buf(), parameters.to_owned()));
        if path.ends_with("kernel/ahci.ko.xz") {
            device(&theirs, "pci0/1f.2/host0/disk", "scsi:t-0x00");
        }
        Ok(())
    });
    plug.until_the_end(&mut || true);
    let asked = asked.lock().unwrap();
    assert_eq!(
        plug.loaded.modules,
        ["loop", "libata", "libahci", "ahci", "sd_mod"]
    );
    assert_eq!(
        plug.loaded.devices, 3,
        "two devices and the alias that both have"
    );
    let of = |name: &str| {
        &asked
            .iter()
            .find(|(path, _)| path.ends_with(name))
            .unwrap()
            .1
    };
    assert_eq!(of("kernel/libata.ko.xz").as_c_str(), c"ignore_hpa=1");
    assert_eq!(of("kernel/ahci.ko.xz").as_c_str(), c"");
}

#[test]
fn a_device_that_appears_while_the_buses_settle_is_found() {
    let folder = Folder::new("late");
    let sysfs = folder.0.as_path();
    device(sysfs, "pci0/1f.2", "pci:v00008086d00002922bc01sc06i01");
    let mut plug = plug(sysfs, |_, _| Ok(()));
    let mut settles = 0;
    plug.until_the_end(&mut || {
        settles += 1;
        device(sysfs, "usb1/1-1/disk", "scsi:t-0x00");
        true
    });
    assert!(plug.loaded.modules.contains(&"sd_mod".to_owned()));
    assert_eq!(
        settles, 2,
        "once before the disk came, once after its driver was loaded"
    );
}

#[test]
fn a_bus_that_never_gets_quiet_ends_the_loader() {
    let folder = Folder::new("noisy");
    device(&folder.0, "a", "scsi:t-0x00");
    let mut plug = plug(&folder.0, |_, _| Ok(()));
    plug.until_the_end(&mut || false);
    assert_eq!(plug.loaded.modules, ["loop", "sd_mod"]);
}

#[test]
fn a_refused_module_is_named_and_the_others_go_on() {
    let folder = Folder::new("refused");
    device(&folder.0, "nic", "pci:v000010ECd00008168");
    device(&folder.0, "board", "dmi:bvnX:svnSome Maker:pn1");
    let mut plug = plug(&folder.0, |path, _| {
        match path.ends_with("kernel/r8169.ko.xz") {
            true => Err(io::Error::other("no such hardware")),
            false => Ok(()),
        }
    });
    plug.until_the_end(&mut || true);
    assert_eq!(plug.loaded.modules, ["loop", "laptop", "realtek"]);
    assert_eq!(
        plug.loaded.refused,
        [("r8169".to_owned(), "no such hardware".to_owned())]
    );
}

#[test]
fn what_is_there_already_is_not_loaded_again() {
    let folder = Folder::new("there");
    device(&folder.0, "disk", "scsi:t-0x00");
    fs::create_dir_all(folder.0.join("module/sd_mod")).unwrap();
    fs::create_dir_all(folder.0.join("module/loop")).unwrap();
    let mut plug = plug(&folder.0, |path, _| {
        Err(io::Error::other(format!("{} loaded", path.display())))
    });
    plug.until_the_end(&mut || true);
    assert_eq!(plug.loaded.refused, []);
    assert_eq!(plug.loaded.modules, Vec::<String>::new());
    assert_eq!(plug.loaded.devices, 2);
}

/// A kernel in which the load of sd_mod hangs until the test ends, and those behind it with it once
/// their modules are at work.
fn hanging<'a>(folder: &'a Folder, until: Receiver<()>, are_held_up: &'static [&str]) -> Plug<'a> {
    device(&folder.0, "disk", "scsi:t-0x00");
    device(&folder.0, "nic", "pci:v000010ECd00008168");
    device(
        &folder.0,
        "a-controller",
        "pci:v00008086d00002922bc01sc06i01",
    );
    let (sysfs, until) = (folder.0.clone(), Mutex::new(until));
    let mut plug = plug(&folder.0, move |path, _| {
        let name = name_of(path.to_str().unwrap());
        if are_held_up.contains(&name.as_str()) {
            fs::create_dir_all(sysfs.join("module").join(&name)).unwrap();
            fs::write(sysfs.join("module").join(&name).join("initstate"), "live\n").unwrap();
        }
        if name == "sd_mod" || are_held_up.contains(&name.as_str()) {
            // Ends by the other end's leaving.
            let _ = until.lock().unwrap().recv();
        }
        Ok(())
    });
    plug.has_had_its_time = |name, _| name == "sd_mod";
    plug.index.always = vec!["sd_mod".into()];
    plug
}

#[test]
fn load_that_hangs_is_named_and_holds_no_other_up() {
    let folder = Folder::new("hangs");
    let (_end, until) = mpsc::channel();
    let mut plug = hanging(&folder, until, &[]);
    plug.until_the_end(&mut || true);
    assert_eq!(plug.loaded.loading, ["sd_mod"]);
    assert_eq!(
        plug.loaded.modules,
        ["realtek", "r8169", "libata", "libahci", "ahci"]
    );
    assert_eq!(plug.loaded.refused, []);
}

#[test]
fn modules_at_work_are_not_waited_for_beside_a_load_that_hangs() {
    let folder = Folder::new("held-up");
    let (_end, until) = mpsc::channel();
    let mut plug = hanging(&folder, until, &["libata", "r8169"]);
    plug.until_the_end(&mut || true);
    assert_eq!(plug.loaded.loading, ["sd_mod", "r8169", "libata"]);
    assert_eq!(plug.loaded.modules, ["realtek", "libahci", "ahci"]);
}

#[test]
fn load_that_ends_late_counts_as_loaded() {
    let folder = Folder::new("late-load");
    let (end, until) = mpsc::channel();
    let mut plug = hanging(&folder, until, &[]);
    plug.load_with_dependencies("sd_mod");
    assert_eq!(plug.under_way.len(), 1);
    drop(end);
    while !plug.under_way.is_empty() {
        thread::yield_now();
        plug.hear_late();
    }
    assert_eq!(plug.loaded.modules, ["sd_mod"]);
}

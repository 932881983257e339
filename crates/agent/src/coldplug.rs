//! Loads the kernel modules that the hardware asks for, once, at boot: every `MODALIAS` of a
//! `uevent` file below `/sys/devices` (an SD card has no `modalias` file) against modules.alias,
//! dependencies first, until nothing new appears. The image has neither udev nor kmod.
//!
//! A load ends when the driver's probes have, and a probe can wait minutes for a sick drive. So each
//! runs on a thread of its own that nothing joins, and has its time; what takes longer is named and
//! left to it, and the others go on. The process itself ends with its last load only.
//!
//! Devices that come later are the init script's business (`uevent` and `modprobe`). Module files
//! stay compressed: the kernel unpacks them and checks Debian's signature on what is inside.
//! Formats: modules.dep(5), depmod.d(5); parameters on the kernel's command line as modprobe(8)
//! takes them, because libata is a module and would not see `libata.ignore_hpa=1` otherwise.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{CStr, CString};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

/// Rounds over all devices; a chain of buses (PCI, controller, hub, disk, partition driver) is
/// five deep, the rest is margin.
const ROUNDS_MAX: u32 = 16;
/// No event for so long means that the buses are quiet. The kernel waits one second before it
/// scans a USB disk (`usb-storage.delay_use`), silently.
const QUIET: Duration = Duration::from_millis(1500);
/// A bus that never gets quiet must not keep the machine from starting.
const SETTLE_MAX: Duration = Duration::from_secs(30);
/// A load that takes longer is not waited for: more than disks behind a SAS controller need to start
/// one after the other, and less than the kernel's three minutes for a read that fails.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at the kernel's event counter, or at a load under way.
const LOOK: Duration = Duration::from_millis(50);

/// What was done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Names of the modules that were loaded, in order.
    pub modules: Vec<String>,
    /// Modules that the kernel refused, each with its reason; most often there is no such hardware.
    pub refused: Vec<(String, String)>,
    /// Modules whose load took its whole time and has not ended.
    pub loading: Vec<String>,
    /// Different modaliases seen.
    pub devices: usize,
    /// Rounds over all devices.
    pub rounds: u32,
}

/// Loads what the devices below `sysfs` ask for from `modules_dir` (the folder with modules.dep).
///
/// # Errors
/// An index file that cannot be read. A module that the kernel refuses is in the result instead:
/// one driver must not keep the others from their drives.
pub fn run(modules_dir: &Path, sysfs: &Path) -> anyhow::Result<Loaded> {
    let index = Index::read(modules_dir)?;
    let command_line =
        fs::read_to_string("/proc/cmdline").context("reading the kernel's command line")?;
    let parameters = parameters(&command_line);
    let mut plug = Plug {
        index,
        parameters,
        modules_dir,
        sysfs,
        load: Arc::new(load),
        has_had_its_time: |_, age| age >= PATIENCE,
        under_way: Vec::new(),
        tried: BTreeSet::new(),
        seen: BTreeSet::new(),
        loaded: Loaded::default(),
    };
    let started = Instant::now();
    plug.until_the_end(&mut || settle(sysfs, started));
    Ok(plug.loaded)
}

fn load(path: &Path, parameters: &CStr) -> io::Result<()> {
    let file = File::open(path)?;
    let compressed = path.extension().is_some_and(|extension| extension != "ko");
    sys::module::load(file.as_fd(), parameters, compressed)
}

/// Waits until the kernel has been quiet for [`QUIET`]; false when the patience is used up.
fn settle(sysfs: &Path, started: Instant) -> bool {
    let counter = sysfs.join("kernel/uevent_seqnum");
    let mut last = fs::read(&counter).ok();
    let mut quiet_since = Instant::now();
    while quiet_since.elapsed() < QUIET {
        if started.elapsed() > SETTLE_MAX {
            return false;
        }
        thread::sleep(LOOK);
        let now = fs::read(&counter).ok();
        if now != last {
            last = now;
            quiet_since = Instant::now();
        }
    }
    true
}

/// Gives a module to the kernel, which may block.
type Load = dyn Fn(&Path, &CStr) -> io::Result<()> + Send + Sync;

/// One run of the loader.
struct Plug<'a> {
    index: Index,
    parameters: HashMap<String, CString>,
    modules_dir: &'a Path,
    sysfs: &'a Path,
    load: Arc<Load>,
    /// Whether the load of this module is waited for no longer, by its age.
    has_had_its_time: fn(&str, Duration) -> bool,
    /// Loads that are not waited for any more.
    under_way: Vec<(String, Receiver<io::Result<()>>)>,
    /// Modules loaded or refused in this run.
    tried: BTreeSet<String>,
    /// Modaliases already dealt with.
    seen: BTreeSet<String>,
    loaded: Loaded,
}

impl Plug<'_> {
    /// Rounds until one finds no new device although the buses had time to bring it.
    fn until_the_end(&mut self, settle: &mut dyn FnMut() -> bool) {
        for name in self.index.always.clone() {
            self.load_with_dependencies(&name);
        }
        // How many modules the kernel had taken when the buses were last quiet.
        let mut quiet_at = 0;
        while self.loaded.rounds < ROUNDS_MAX {
            self.loaded.rounds += 1;
            if self.round() {
                continue;
            }
            let taken = self.loaded.modules.len() + self.under_way.len();
            if taken == quiet_at || !settle() {
                break;
            }
            quiet_at = taken;
        }
        self.hear_late();
        let late = self.under_way.iter().map(|(name, _)| name.clone());
        self.loaded.loading = late.collect();
        self.loaded.devices = self.seen.len();
    }

    /// One look at every device; whether there was a new one.
    fn round(&mut self) -> bool {
        let mut aliases = BTreeSet::new();
        collect_aliases(&self.sysfs.join("devices"), &mut aliases);
        let new: Vec<String> = aliases.difference(&self.seen).cloned().collect();
        for alias in &new {
            for name in self.index.modules_for(alias) {
                self.load_with_dependencies(&name);
            }
        }
        let news = !new.is_empty();
        self.seen.extend(new);
        news
    }

    /// A dependency that is not waited for any more holds up nobody here: the kernel itself waits
    /// half a minute for one that still starts, then refuses.
    fn load_with_dependencies(&mut self, name: &str) {
        if !self.tried.insert(name.to_owned()) {
            return;
        }
        // Soft dependencies may be compiled in; then there is nothing to load.
        let Some(module) = self.index.modules.get(name).cloned() else {
            return;
        };
        for dependency in module.before.iter().rev() {
            self.load_with_dependencies(dependency);
        }
        if self.sysfs.join("module").join(name).exists() {
            return;
        }
        let parameters = self.parameters.get(name).cloned().unwrap_or_default();
        let (load, path) = (Arc::clone(&self.load), self.modules_dir.join(&module.path));
        let (sender, answer) = mpsc::channel();
        let thread = thread::Builder::new().name("raz-load".into());
        // A thread that cannot start drops the sender; nobody may listen any more when it sends.
        let _ = thread.spawn(move || sender.send(load(&path, &parameters)));
        let since = Instant::now();
        loop {
            match answer.recv_timeout(LOOK) {
                Ok(result) => return self.ended(name, result),
                Err(RecvTimeoutError::Disconnected) => return self.ended(name, Err(lost())),
                Err(RecvTimeoutError::Timeout) if self.is_overdue(name, since.elapsed()) => {
                    self.under_way.push((name.to_owned(), answer));
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Beside a probe that hangs, no load ends: the kernel waits for every probe that is under way,
    /// of whatever driver (`async_synchronize_full` in `do_init_module`). A module is at work before
    /// that, and then there is nothing to wait for.
    fn is_overdue(&mut self, name: &str, age: Duration) -> bool {
        self.hear_late();
        let state = || fs::read(self.sysfs.join("module").join(name).join("initstate"));
        let is_held_up = || state().is_ok_and(|state| state.trim_ascii() == b"live");
        (self.has_had_its_time)(name, age) || (!self.under_way.is_empty() && is_held_up())
    }

    /// Loads that were not waited for any more, and ended all the same.
    fn hear_late(&mut self) {
        for (name, answer) in std::mem::take(&mut self.under_way) {
            match answer.try_recv() {
                Ok(result) => self.ended(&name, result),
                Err(TryRecvError::Disconnected) => self.ended(&name, Err(lost())),
                Err(TryRecvError::Empty) => self.under_way.push((name, answer)),
            }
        }
    }

    fn ended(&mut self, name: &str, result: io::Result<()>) {
        match result {
            Ok(()) => self.loaded.modules.push(name.to_owned()),
            Err(error) => self
                .loaded
                .refused
                .push((name.to_owned(), error.to_string())),
        }
    }
}

fn lost() -> io::Error {
    io::Error::other("the thread that loads it did not start, or fell")
}

/// The modaliases in every file `uevent` below a folder. What cannot be read has just gone away.
fn collect_aliases(folder: &Path, aliases: &mut BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        // file_type does not follow links: /sys/devices is a tree only without them.
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            collect_aliases(&entry.path(), aliases);
        } else if entry.file_name() == "uevent"
            && let Ok(bytes) = fs::read(entry.path())
        {
            // An ACPI device has two: its own and a device tree's.
            let text = String::from_utf8_lossy(&bytes);
            let found = text
                .lines()
                .filter_map(|line| line.strip_prefix("MODALIAS="));
            aliases.extend(found.map(str::to_owned));
        }
    }
}

/// The index files of a module folder.
#[derive(Debug, Default)]
struct Index {
    modules: HashMap<String, Module>,
    /// (pattern, module) by the bus before the first colon: most of the many thousand patterns
    /// need no look.
    aliases: HashMap<String, Vec<(String, String)>>,
    /// (pattern, module) where the bus itself has a wildcard.
    any_bus: Vec<(String, String)>,
    /// modules.load: wanted whether a device asks or not.
    always: Vec<String>,
}

#[derive(Clone, Debug)]
struct Module {
    /// Below the module folder.
    path: PathBuf,
    /// Names to load first, the last one foremost as in modules.dep; soft ones included.
    before: Vec<String>,
}

impl Index {
    fn read(folder: &Path) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
        };
        // The last two are ours and kmod's extras; a folder without them is complete.
        let optional = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        Ok(Self::parse(
            &read("modules.dep")?,
            &read("modules.alias")?,
            &optional("modules.softdep"),
            &optional("modules.load"),
        ))
    }

    fn parse(dependencies: &str, aliases: &str, soft: &str, always: &str) -> Self {
        let mut index = Self::default();
        for line in dependencies.lines() {
            let Some((path, before)) = line.split_once(':') else {
                continue;
            };
            let module = Module {
                path: path.into(),
                before: before.split_whitespace().map(name_of).collect(),
            };
            index.modules.insert(name_of(path), module);
        }
        for line in soft.lines() {
            let mut words = line.split_whitespace();
            if words.next() != Some("softdep") {
                continue;
            }
            let Some(module) = words
                .next()
                .and_then(|name| index.modules.get_mut(&name_of(name)))
            else {
                continue;
            };
            let before = words.skip_while(|word| *word != "pre:").skip(1);
            module
                .before
                .extend(before.take_while(|word| *word != "post:").map(name_of));
        }
        for line in aliases.lines() {
            let Some(rest) = line.strip_prefix("alias ") else {
                continue;
            };
            // The pattern may hold spaces (dmi strings); the module's name is the last word.
            let Some((pattern, name)) = rest.rsplit_once(' ') else {
                continue;
            };
            let entry = (pattern.to_owned(), name_of(name));
            let bus = bus_of(pattern);
            if bus.contains(['*', '?', '[']) {
                index.any_bus.push(entry);
            } else {
                index.aliases.entry(bus.to_owned()).or_default().push(entry);
            }
        }
        index.always = always.split_whitespace().map(name_of).collect();
        index
    }

    /// Modules whose pattern fits, each once.
    fn modules_for(&self, alias: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let same_bus = self.aliases.get(bus_of(alias)).into_iter().flatten();
        for (pattern, name) in same_bus.chain(&self.any_bus) {
            if !names.contains(name) && fits(pattern.as_bytes(), alias.as_bytes()) {
                names.push(name.clone());
            }
        }
        names
    }
}

/// The bus of a modalias or of a pattern (`pci`, `usb`, `scsi`).
fn bus_of(alias: &str) -> &str {
    alias.split(':').next().unwrap_or(alias)
}

/// A module's name from its path or alias target: no folder, no suffix, `_` for `-`.
fn name_of(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split(".ko").next().unwrap_or(file).replace('-', "_")
}

/// `module.parameter=value` words of the kernel's command line, by module.
fn parameters(command_line: &str) -> HashMap<String, CString> {
    let mut texts: HashMap<String, String> = HashMap::new();
    for word in command_line.split_whitespace() {
        // `--` ends the kernel's part: what follows is for init.
        if word == "--" {
            break;
        }
        let key = word.split('=').next().unwrap_or(word);
        let Some((module, _)) = key.split_once('.') else {
            continue;
        };
        let parameter = &word[module.len() + 1..];
        let text = texts.entry(module.replace('-', "_")).or_default();
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(parameter);
    }
    texts
        .into_iter()
        .filter_map(|(module, text)| Some((module, CString::new(text).ok()?)))
        .collect()
}

/// Whether the whole of `text` fits `pattern`: `*`, `?` and `[...]` of fnmatch(3), which is all
/// that depmod writes. Any bytes give an answer; an unclosed bracket stands for itself.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on when the last star has to swallow one byte more.
    let mut retry = None;
    while let Some(&byte) = text.get(t) {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p, t));
            p += 1;
            continue;
        }
        if let Some(width) = one_fits(pattern.get(p..).unwrap_or_default(), byte) {
            p += width;
            t += 1;
            continue;
        }
        let Some((star, swallowed)) = retry else {
            return false;
        };
        retry = Some((star, swallowed + 1));
        p = star + 1;
        t = swallowed + 1;
    }
    pattern
        .get(p..)
        .unwrap_or_default()
        .iter()
        .all(|byte| *byte == b'*')
}

/// Length of the pattern's first element when `byte` fits it.
fn one_fits(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern.first()? {
        b'?' => Some(1),
        b'[' => {
            // A bracket directly behind the opening one belongs to the set (POSIX).
            let closing = pattern
                .iter()
                .skip(2)
                .position(|c| *c == b']')
                .map(|found| found + 2);
            match closing {
                Some(end) => set_holds(pattern.get(1..end)?, byte).then_some(end + 1),
                None => (byte == b'[').then_some(1),
            }
        }
        literal => (*literal == byte).then_some(1),
    }
}

fn set_holds(set: &[u8], byte: u8) -> bool {
    let (negated, mut rest) = match set {
        [b'!' | b'^', rest @ ..] if !rest.is_empty() => (true, rest),
        rest => (false, rest),
    };
    let mut holds = false;
    while let [first, tail @ ..] = rest {
        rest = match tail {
            [b'-', last, tail @ ..] => {
                holds |= (*first..=*last).contains(&byte);
                tail
            }
            tail => {
                holds |= *first == byte;
                tail
            }
        };
    }
    holds != negated
}

#[cfg(test)]
mod tests;

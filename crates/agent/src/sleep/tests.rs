use super::{ASLEEP, Kernel, Refusal, Slept, ready};
use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;
use std::time::Duration;

const ALARM: &str = "sys/class/rtc/rtc0/wakealarm";
const SECOND: Duration = Duration::from_secs(1);

/// A machine whose files react as the kernel's do.
struct Script {
    state: Mutex<State>,
    /// What sleeping does.
    sleeps: Sleeps,
    /// The alarm goes off.
    rings: bool,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, String>,
    written: Vec<(String, String)>,
    awake: Duration,
    asleep: Duration,
    rings_at: Option<Duration>,
}

#[derive(Clone, Copy)]
enum Sleeps {
    UntilTheAlarm,
    UntilAKey,
    NotAtAll,
    With(i32),
}

impl Script {
    fn new() -> Self {
        let mut state = State::default();
        for (file, text) in [
            ("sys/power/state", "freeze mem disk\n"),
            ("sys/power/mem_sleep", "[s2idle] deep\n"),
            ("sys/power/wakeup_count", "17\n"),
            ("sys/class/rtc/rtc0/device/power/wakeup", "enabled\n"),
            (ALARM, ""),
        ] {
            state.files.insert(file.into(), text.into());
        }
        Self {
            state: Mutex::new(state),
            sleeps: Sleeps::UntilTheAlarm,
            rings: true,
        }
    }

    fn with(self, file: &str, text: &str) -> Self {
        self.state
            .lock()
            .unwrap()
            .files
            .insert(file.into(), text.into());
        self
    }

    fn without(self, file: &str) -> Self {
        self.state.lock().unwrap().files.remove(file);
        self
    }

    fn file(&self, file: &str) -> String {
        self.state.lock().unwrap().files[file].clone()
    }

    /// Whether the kernel was told to sleep.
    fn was_sent_to_sleep(&self) -> bool {
        let state = self.state.lock().unwrap();
        let told = |(file, _): &(String, String)| file == "sys/power/state";
        state.written.iter().any(told)
    }

    fn night(&self) -> Result<Slept, Refusal> {
        ready(self)?.sleep(self, ASLEEP)
    }
}

impl State {
    fn let_pass(&mut self, rings: bool) {
        let now = self.awake + self.asleep;
        if rings && self.rings_at.is_some_and(|at| now >= at) {
            self.rings_at = None;
            self.files.insert(ALARM.into(), String::new());
        }
    }
}

impl Kernel for Script {
    fn read(&self, file: &str) -> io::Result<String> {
        let state = self.state.lock().unwrap();
        if file == "proc/uptime" {
            let up = (state.awake + state.asleep).as_secs_f64();
            return Ok(format!("{up:.2} 3.00\n"));
        }
        let text = state.files.get(file).cloned();
        text.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        state.written.push((file.into(), text.into()));
        if !state.files.contains_key(file) {
            return Err(io::ErrorKind::NotFound.into());
        }
        match (file, text) {
            (ALARM, "0") => {
                state.rings_at = None;
                state.files.insert(ALARM.into(), String::new());
            }
            (ALARM, after) => {
                let after: u64 = after.strip_prefix('+').unwrap().parse().unwrap();
                let at = state.awake + state.asleep + SECOND * u32::try_from(after).unwrap();
                state.rings_at = Some(at);
                state.files.insert(ALARM.into(), "1700000000\n".into());
            }
            ("sys/power/mem_sleep", depth) => {
                let now = match depth {
                    "deep" => "s2idle [deep]\n",
                    _ => "[s2idle] deep\n",
                };
                state.files.insert(file.into(), now.into());
            }
            ("sys/power/state", "mem") => {
                assert_eq!(state.files["sys/power/mem_sleep"], "s2idle [deep]\n");
                let at = state
                    .rings_at
                    .expect("an alarm is set before the machine sleeps");
                match self.sleeps {
                    Sleeps::UntilTheAlarm => {
                        state.asleep += at - state.awake - state.asleep;
                        state.let_pass(true);
                    }
                    Sleeps::UntilAKey => state.asleep += SECOND * 4,
                    Sleeps::NotAtAll => state.awake += SECOND * 30,
                    Sleeps::With(error) => return Err(io::Error::from_raw_os_error(error)),
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn awake(&self) -> Duration {
        self.state.lock().unwrap().awake
    }

    fn pause(&self, time: Duration) {
        let mut state = self.state.lock().unwrap();
        state.awake += time;
        state.let_pass(self.rings);
    }
}

#[test]
fn machine_sleeps_until_its_proven_alarm_and_everything_is_as_it_was() {
    let kernel = Script::new();
    assert_eq!(kernel.night(), Ok(Slept { time: ASLEEP }));
    assert_eq!(kernel.file("sys/power/mem_sleep"), "[s2idle] deep\n");
    assert_eq!(kernel.file(ALARM), "");
    let state = kernel.state.lock().unwrap();
    let written: Vec<(&str, &str)> = state
        .written
        .iter()
        .map(|(file, text)| (file.as_str(), text.as_str()))
        .collect();
    assert_eq!(
        written,
        [
            (ALARM, "+3"),
            ("sys/power/mem_sleep", "deep"),
            (ALARM, "+20"),
            ("sys/power/wakeup_count", "17"),
            ("sys/power/state", "mem"),
            (ALARM, "0"),
            ("sys/power/mem_sleep", "s2idle"),
        ]
    );
}

#[test]
fn machine_that_cannot_sleep_so_that_drives_lose_their_power_is_not_sent_to_sleep() {
    for (kernel, refusal) in [
        (
            Script::new().with("sys/power/state", "freeze disk\n"),
            Refusal::NoSleep,
        ),
        (Script::new().without("sys/power/state"), Refusal::NoSleep),
        (
            Script::new().without("sys/power/mem_sleep"),
            Refusal::NoSleep,
        ),
        (
            Script::new().with("sys/power/mem_sleep", "[s2idle]\n"),
            Refusal::OnlyIdle,
        ),
        (
            Script::new().with("sys/power/mem_sleep", "s2idle [shallow]\n"),
            Refusal::OnlyIdle,
        ),
        (Script::new().without(ALARM), Refusal::NoAlarm),
        (
            Script::new().with("sys/class/rtc/rtc0/device/power/wakeup", "disabled\n"),
            Refusal::NoAlarm,
        ),
        (
            Script::new().without("sys/class/rtc/rtc0/device/power/wakeup"),
            Refusal::NoAlarm,
        ),
        (
            Script::new().with(ALARM, "1700000123\n"),
            Refusal::AlarmTaken,
        ),
    ] {
        assert_eq!(kernel.night(), Err(refusal));
        let state = kernel.state.lock().unwrap();
        assert!(state.written.is_empty(), "{:?}", state.written);
    }
}

#[test]
fn alarm_that_does_not_go_off_is_found_while_the_machine_is_awake() {
    let kernel = Script {
        rings: false,
        ..Script::new()
    };
    assert_eq!(kernel.night(), Err(Refusal::AlarmSilent));
    assert!(!kernel.was_sent_to_sleep());
    assert_eq!(kernel.file(ALARM), "", "it is off again");
}

/// A clock that drops its alarm at once would look like one whose alarm has gone off.
#[test]
fn alarm_that_goes_off_before_its_time_proves_nothing() {
    struct Forgets(Script);
    impl Kernel for Forgets {
        fn read(&self, file: &str) -> io::Result<String> {
            self.0.read(file)
        }
        fn write(&self, file: &str, text: &str) -> io::Result<()> {
            self.0.write(file, text)
        }
        fn awake(&self) -> Duration {
            self.0.awake()
        }
        fn pause(&self, time: Duration) {
            self.0.write(ALARM, "0").unwrap();
            self.0.pause(time);
        }
    }
    let kernel = Forgets(Script::new());
    assert_eq!(ready(&kernel).unwrap_err(), Refusal::AlarmSilent);
}

#[test]
fn way_to_sleep_that_the_kernel_broke_off_names_the_device_and_leaves_no_alarm() {
    let kernel = Script {
        sleeps: Sleeps::With(libc::EBUSY),
        ..Script::new().with("sys/power/suspend_stats/last_failed_dev", "usb1\n\n")
    };
    let refusal = kernel.night().unwrap_err();
    let Refusal::BrokenOff { error, device } = &refusal else {
        panic!("{refusal:?}");
    };
    assert!(error.contains("busy"), "{error}");
    assert_eq!(device.as_deref(), Some("usb1"));
    assert_eq!(kernel.file(ALARM), "");
    assert_eq!(kernel.file("sys/power/mem_sleep"), "[s2idle] deep\n");
}

#[test]
fn sleep_in_which_no_time_passed_is_none() {
    let kernel = Script {
        sleeps: Sleeps::NotAtAll,
        ..Script::new()
    };
    assert_eq!(kernel.night(), Err(Refusal::NotSlept));
}

#[test]
fn machine_woken_by_a_key_has_slept_and_its_alarm_is_off() {
    let kernel = Script {
        sleeps: Sleeps::UntilAKey,
        ..Script::new()
    };
    assert_eq!(kernel.night(), Ok(Slept { time: SECOND * 4 }));
    assert_eq!(kernel.file(ALARM), "");
}

#[test]
fn folder_without_the_kernels_files_is_a_machine_that_does_not_sleep() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = super::Linux::new(folder.path());
    assert_eq!(ready(&kernel).unwrap_err(), Refusal::NoSleep);
    for (file, text) in [
        ("sys/power/state", "freeze mem\n"),
        ("sys/power/mem_sleep", "s2idle [deep]\n"),
        ("sys/class/rtc/rtc0/device/power/wakeup", "enabled\n"),
        (ALARM, ""),
    ] {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::remove_file(folder.path().join(ALARM)).unwrap();
    assert_eq!(ready(&kernel).unwrap_err(), Refusal::NoAlarm);
    assert!(!folder.path().join(ALARM).exists(), "no file is made");
}

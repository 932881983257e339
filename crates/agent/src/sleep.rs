//! The machine sleeps (suspend to RAM) and wakes by the alarm of its clock, so that its drives lose
//! their power for a moment: what firmware froze at boot is then no longer frozen.
//!
//! A machine that does not wake looks like a broken one. So the alarm is proven first, while the
//! machine is awake ([`ready`]), and only what was proven can sleep ([`Ready::sleep`]). Only S3 will
//! do: in s2idle, which new laptops call sleep, the drives keep their power. Nobody may be at work on
//! a drive meanwhile ([`idle`]). Nothing here says whether a drive has thawed: that is asked of the
//! drive. Kernel: `Documentation/admin-guide/pm/sleep-states.rst`, `Documentation/admin-guide/rtc.rst`,
//! `Documentation/ABI/testing/sysfs-power`.

pub mod idle;
mod linux;

pub use linux::Linux;

use drive::facts::DriveFacts;
use std::io;
use std::time::Duration;

/// How long the machine sleeps: disks need some seconds to lose what is in their capacitors.
pub const ASLEEP: Duration = Duration::from_secs(20);

/// How long a person should wait for it to wake before he takes it for dead: firmware and disks need
/// their time.
pub const AWAKE_WITHIN: Duration = Duration::from_secs(80);

/// The alarm is proven with so short a time.
const PROOF: Duration = Duration::from_secs(3);

/// The proof may take so much longer: the clock counts whole seconds.
const PROOF_PATIENCE: Duration = Duration::from_secs(5);

/// How often the alarm is looked at.
const POLL: Duration = Duration::from_millis(100);

/// Less than this is no sleep: the two clocks that are compared are read one after the other.
const SLEPT_LEAST: Duration = Duration::from_secs(1);

const STATES: &str = "sys/power/state";
const DEPTHS: &str = "sys/power/mem_sleep";
const WAKEUPS: &str = "sys/power/wakeup_count";
const FAILED_DEVICE: &str = "sys/power/suspend_stats/last_failed_dev";
const UPTIME: &str = "proc/uptime";
const ALARM_OFF: &str = "0";

/// Clocks that are looked at; a PC has one or two.
const CLOCKS: [&str; 4] = ["rtc0", "rtc1", "rtc2", "rtc3"];

/// What is needed of the kernel. Files are named from the root, without the slash.
pub trait Kernel: Send + Sync {
    /// The text of a file.
    ///
    /// # Errors
    /// The kernel's.
    fn read(&self, file: &str) -> io::Result<String>;

    /// Writes a file that is there. To the file that lets the machine sleep this returns when it has
    /// woken.
    ///
    /// # Errors
    /// The kernel's.
    fn write(&self, file: &str, text: &str) -> io::Result<()>;

    /// Time since some moment, without the time asleep.
    fn awake(&self) -> Duration;

    /// Lets time pass.
    fn pause(&self, time: Duration);
}

/// Why the machine does not sleep, or did not. No drive was changed in any case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another program holds a drive, as a raz that erases it does.
    InUse {
        /// Paths of such drives.
        drives: Vec<String>,
    },
    /// Nobody could press a key afterwards.
    NobodyThere,
    /// Kernel or firmware offers no sleep.
    NoSleep,
    /// There is only a sleep in which drives keep their power.
    OnlyIdle,
    /// No clock has an alarm that wakes the machine.
    NoAlarm,
    /// Somebody else's alarm is set.
    AlarmTaken,
    /// The alarm was set and did not go off when it should.
    AlarmSilent,
    /// The kernel did not take an order.
    Kernel {
        /// The file.
        file: String,
        /// Its error.
        error: String,
    },
    /// The kernel broke off on the way to sleep.
    BrokenOff {
        /// Its error.
        error: String,
        /// The device that did not follow, where the kernel names it.
        device: Option<String>,
    },
    /// The kernel says that it slept, and no time has passed.
    NotSlept,
    /// The thread that was to do it ended.
    NotCarriedOut,
}

/// Holds the drives, proves the alarm, has `before` say what a person must know, and sleeps.
///
/// # Errors
/// The machine does not sleep, or did not.
pub fn through(
    kernel: &dyn Kernel,
    drives: &[DriveFacts],
    before: impl FnOnce(),
) -> Result<Slept, Refusal> {
    let held = idle::hold(drives)?;
    let ready = ready(kernel)?;
    before();
    let slept = ready.sleep(kernel, ASLEEP);
    drop(held);
    slept
}

/// The machine has slept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slept {
    /// For so long.
    pub time: Duration,
}

/// The alarm went off while the machine was awake: it may sleep.
#[derive(Debug)]
#[must_use]
pub struct Ready {
    alarm: String,
}

/// Looks whether the machine can sleep so that drives lose their power, and proves the alarm that is
/// to wake it. Takes some seconds.
///
/// # Errors
/// Why not. Nothing but the alarm was touched, and that is off again.
pub fn ready(kernel: &dyn Kernel) -> Result<Ready, Refusal> {
    let words = |file: &str| {
        let text = kernel.read(file).map_err(|_| Refusal::NoSleep)?;
        Ok(text
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<String>>())
    };
    if !words(STATES)?.iter().any(|state| state == "mem") {
        return Err(Refusal::NoSleep);
    }
    let depths = words(DEPTHS)?;
    if !depths
        .iter()
        .any(|depth| depth.trim_matches(['[', ']']) == "deep")
    {
        return Err(Refusal::OnlyIdle);
    }
    let alarm = alarm(kernel).ok_or(Refusal::NoAlarm)?;
    if is_set(kernel, &alarm)? {
        return Err(Refusal::AlarmTaken);
    }
    let proven = prove(kernel, &alarm);
    if proven.is_err() {
        // What did not go off must not wake a machine that somebody else sends to sleep.
        let _ = kernel.write(&alarm, ALARM_OFF);
    }
    proven.map(|()| Ready { alarm })
}

/// The file of the first alarm that can wake the machine.
fn alarm(kernel: &dyn Kernel) -> Option<String> {
    CLOCKS.iter().find_map(|clock| {
        let folder = format!("sys/class/rtc/{clock}");
        let alarm = format!("{folder}/wakealarm");
        let wakes = kernel.read(&format!("{folder}/device/power/wakeup")).ok()?;
        let can = wakes.trim() == "enabled" && kernel.read(&alarm).is_ok();
        can.then_some(alarm)
    })
}

/// The kernel shows no alarm that has gone off, and 0 on old kernels.
fn is_set(kernel: &dyn Kernel, alarm: &str) -> Result<bool, Refusal> {
    let text = kernel.read(alarm).map_err(|error| refused(alarm, &error))?;
    Ok(!matches!(text.trim(), "" | "0"))
}

fn refused(file: &str, error: &io::Error) -> Refusal {
    Refusal::Kernel {
        file: format!("/{file}"),
        error: error.to_string(),
    }
}

fn order(kernel: &dyn Kernel, file: &str, text: &str) -> Result<(), Refusal> {
    kernel
        .write(file, text)
        .map_err(|error| refused(file, &error))
}

fn set(kernel: &dyn Kernel, alarm: &str, time: Duration) -> Result<(), Refusal> {
    order(kernel, alarm, &format!("+{}", time.as_secs()))?;
    match is_set(kernel, alarm)? {
        true => Ok(()),
        false => Err(Refusal::AlarmSilent),
    }
}

/// The alarm goes off, not before its time and not much later.
fn prove(kernel: &dyn Kernel, alarm: &str) -> Result<(), Refusal> {
    let began = kernel.awake();
    set(kernel, alarm, PROOF)?;
    loop {
        kernel.pause(POLL);
        let passed = kernel.awake().saturating_sub(began);
        if !is_set(kernel, alarm)? {
            // The clock counts whole seconds: the first of them may be short.
            let is_early = passed + Duration::from_secs(1) < PROOF;
            return if is_early {
                Err(Refusal::AlarmSilent)
            } else {
                Ok(())
            };
        }
        if passed > PROOF + PROOF_PATIENCE {
            return Err(Refusal::AlarmSilent);
        }
    }
}

impl Ready {
    /// Lets the machine sleep for `time` at most; returns when it is awake again. No bound but the
    /// kernel's: who gave up waiting might find the machine asleep in the middle of something else.
    ///
    /// # Errors
    /// It did not sleep, or not so that it shows.
    pub fn sleep(self, kernel: &dyn Kernel, time: Duration) -> Result<Slept, Refusal> {
        let before = kernel.read(DEPTHS).unwrap_or_default();
        let before = before
            .split_whitespace()
            .find_map(|depth| depth.strip_prefix('[')?.strip_suffix(']'));
        order(kernel, DEPTHS, "deep")?;
        let slept = self.sleep_deep(kernel, time);
        // Woken by a key, the alarm is still ahead.
        let _ = kernel.write(&self.alarm, ALARM_OFF);
        if let Some(depth) = before.filter(|depth| *depth != "deep") {
            let _ = kernel.write(DEPTHS, depth);
        }
        slept
    }

    fn sleep_deep(&self, kernel: &dyn Kernel, time: Duration) -> Result<Slept, Refusal> {
        let up = uptime(kernel)?;
        let awake = kernel.awake();
        set(kernel, &self.alarm, time)?;
        // From here on whatever wakes breaks the way to sleep off: the alarm may come while drives
        // are still being stopped, and would be heard by nobody afterwards.
        let broken_off = |error: &io::Error, device| Refusal::BrokenOff {
            error: error.to_string(),
            device,
        };
        if let Ok(count) = kernel.read(WAKEUPS) {
            kernel
                .write(WAKEUPS, count.trim())
                .map_err(|error| broken_off(&error, None))?;
        }
        kernel.write(STATES, "mem").map_err(|error| {
            let device = kernel.read(FAILED_DEVICE).unwrap_or_default();
            let device = device.lines().map(str::trim).find(|name| !name.is_empty());
            broken_off(&error, device.map(str::to_owned))
        })?;
        let passed = uptime(kernel)?.saturating_sub(up);
        let time = passed.saturating_sub(kernel.awake().saturating_sub(awake));
        match time >= SLEPT_LEAST {
            true => Ok(Slept { time }),
            false => Err(Refusal::NotSlept),
        }
    }
}

/// Time since boot, that asleep included.
fn uptime(kernel: &dyn Kernel) -> Result<Duration, Refusal> {
    let text = kernel
        .read(UPTIME)
        .map_err(|error| refused(UPTIME, &error))?;
    let seconds = text
        .split_whitespace()
        .next()
        .and_then(|seconds| seconds.parse().ok())
        .and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| Refusal::Kernel {
        file: format!("/{UPTIME}"),
        error: "not a number".into(),
    })
}

#[cfg(test)]
mod tests;

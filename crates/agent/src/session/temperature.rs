//! Temperatures of drives at work, each read on a thread of its own that nobody joins.
//!
//! An NVMe's hwmon asks the controller by an admin command for each reading: with a hung
//! controller the read comes back after the command's timeout and a reset, or never. The kernel's
//! `Documentation/hwmon/sysfs-interface.rst` has the files.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

/// Shortest time from the beginning of one reading to the next. A SATA disk drains its queue of
/// reads and writes to answer.
const READ_EVERY: Duration = Duration::from_secs(5);

/// The last readings, by the drives' kernel names.
#[derive(Debug, Default)]
pub struct Temperatures {
    gauges: HashMap<String, Gauge>,
}

#[derive(Debug, Default)]
struct Gauge {
    last: Option<i32>,
    begun: Option<Instant>,
    under_way: Option<Receiver<Option<i32>>>,
}

impl Temperatures {
    /// The last reading of a drive in degrees Celsius. Never blocks: begins a reading when one is
    /// due and none is under way, and does not wait for it.
    pub fn celsius(&mut self, sys: &Path, drive: &str, now: Instant) -> Option<i32> {
        let gauge = self.gauges.entry(drive.to_owned()).or_default();
        if let Some(reading) = &gauge.under_way {
            match reading.try_recv() {
                Ok(read) => gauge.last = read.or(gauge.last),
                Err(TryRecvError::Empty) => return gauge.last,
                Err(TryRecvError::Disconnected) => {}
            }
            gauge.under_way = None;
        }
        if gauge
            .begun
            .is_none_or(|begun| now.saturating_duration_since(begun) >= READ_EVERY)
        {
            gauge.begun = Some(now);
            gauge.under_way = Some(begin(sys, drive));
        }
        gauge.last
    }
}

/// The channel closes without an answer when there is no thread.
fn begin(sys: &Path, drive: &str) -> Receiver<Option<i32>> {
    let (sender, reading) = mpsc::channel();
    let device = sys.join("block").join(drive).join("device");
    let _ = std::thread::Builder::new()
        .name(format!("temp-{drive}"))
        .spawn(move || {
            let _ = sender.send(read(&device));
        });
    reading
}

/// The first sensor of the drive's hwmon (drivetemp, nvme). Blocks.
fn read(device: &Path) -> Option<i32> {
    let hwmons = [device.join("hwmon"), device.to_owned()];
    hwmons
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten())
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("hwmon"))
        .find_map(|entry| {
            let text = std::fs::read_to_string(entry.path().join("temp1_input")).ok()?;
            text.trim().parse::<i32>().ok().map(|milli| milli / 1000)
        })
}

#[cfg(test)]
mod tests {
    use super::{READ_EVERY, Temperatures};
    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;
    use std::fs::{self, OpenOptions};
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    /// What has not answered by then never will: the test fails, and is not held up.
    const HANGING_AFTER: Duration = Duration::from_secs(30);

    fn sensor(sys: &Path, hwmon: &str) -> PathBuf {
        let folder = sys.join("block").join(hwmon);
        fs::create_dir_all(&folder).unwrap();
        folder.join("temp1_input")
    }

    /// Asks until there is an answer other than `old`.
    fn until_other_than(old: Option<i32>, mut ask: impl FnMut() -> Option<i32>) -> Option<i32> {
        let begun = Instant::now();
        loop {
            let read = ask();
            if read != old {
                return read;
            }
            assert!(begun.elapsed() < HANGING_AFTER, "still {old:?}");
            std::thread::yield_now();
        }
    }

    fn threads_named(name: &str) -> usize {
        fs::read_dir("/proc/self/task")
            .unwrap()
            .flatten()
            .filter_map(|task| fs::read_to_string(task.path().join("comm")).ok())
            .filter(|comm| comm.trim() == name)
            .count()
    }

    #[test]
    fn sensor_that_does_not_answer_holds_nothing_up_and_is_asked_once() {
        let sys = tempfile::tempdir().unwrap();
        // Who opens a FIFO waits for its writer, as one waits for a hung controller.
        let fifo = sensor(sys.path(), "nvme7n1/device/hwmon3");
        mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        fs::write(sensor(sys.path(), "sda/device/hwmon/hwmon4"), "35000\n").unwrap();

        let (sender, ticks) = mpsc::channel();
        let folder = sys.path().to_owned();
        std::thread::spawn(move || {
            let (mut all, mut now) = (Temperatures::default(), Instant::now());
            let hung: Vec<_> = (0..100)
                .map(|_| {
                    now += READ_EVERY;
                    all.celsius(&folder, "nvme7n1", now)
                })
                .collect();
            let other = until_other_than(None, || all.celsius(&folder, "sda", now));
            sender.send((all, now, hung, other)).unwrap();
        });
        let (mut all, now, hung, other) = ticks
            .recv_timeout(HANGING_AFTER)
            .expect("the session waits for a sensor");
        assert_eq!(hung, [None; 100]);
        assert_eq!(other, Some(35));

        // It answers at last.
        let mut controller = OpenOptions::new().write(true).open(&fifo).unwrap();
        assert_eq!(threads_named("temp-nvme7n1"), 1);
        controller.write_all(b"41900\n").unwrap();
        drop(controller);
        let late = until_other_than(None, || all.celsius(sys.path(), "nvme7n1", now));
        assert_eq!(late, Some(41));
    }

    #[test]
    fn last_reading_stands_until_the_next_is_due_and_when_it_fails() {
        let sys = tempfile::tempdir().unwrap();
        let file = sensor(sys.path(), "nvme8n1/device/hwmon3");
        fs::write(&file, "38850\n").unwrap();
        let mut all = Temperatures::default();
        let now = Instant::now();
        let mut ask = |at| all.celsius(sys.path(), "nvme8n1", at);
        assert_eq!(until_other_than(None, || ask(now)), Some(38));
        fs::write(&file, "52000\n").unwrap();
        assert_eq!(ask(now + READ_EVERY / 2), Some(38));
        let due = now + READ_EVERY;
        assert_eq!(until_other_than(Some(38), || ask(due)), Some(52));
        fs::remove_file(&file).unwrap();
        let mut later = due;
        for _ in 0..100 {
            later += READ_EVERY;
            assert_eq!(ask(later), Some(52));
        }
    }
}

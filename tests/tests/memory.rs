//! `raz check ram` of the shipped image in small PCs: how much of the memory it reaches, counted against the
//! guest's own map, and that the kernel never has to end a program for it.

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lab::bench::{Bench, scenario};
use lab::machine::Machine;
use lab::shell::Shell;
use serde_json::Value;

const MIB: u64 = 1 << 20;

/// The bytes of a file of the guest.
fn file(shell: &Shell, path: &str) -> anyhow::Result<String> {
    let said = shell.run(&format!("echo \"lab: by\"\"tes\"; busybox base64 {path}"))?;
    let (_, text) = said.text.split_once("lab: bytes").context("no output")?;
    let text: String = text.split_ascii_whitespace().collect();
    Ok(String::from_utf8(STANDARD.decode(text)?)?)
}

/// Sum of the top lines "System RAM" of `/proc/iomem`.
fn system_ram(map: &str) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for line in map.lines().filter(|line| !line.starts_with(' ')) {
        let Some(range) = line.strip_suffix(" : System RAM") else {
            continue;
        };
        let (first, last) = range.split_once('-').context("no range")?;
        bytes += u64::from_str_radix(last, 16)? - u64::from_str_radix(first, 16)? + 1;
    }
    Ok(bytes)
}

fn shell(bench: &Bench, memory_mib: u32) -> anyhow::Result<Shell> {
    Shell::boot(bench, Machine::new("pc").memory_mib(memory_mib))
}

/// Runs the test, and looks at what it says from outside.
fn reaches(shell: &Shell, arguments: &str, percent_min: f64) -> anyhow::Result<Value> {
    let said = shell.run(&format!(
        "raz check ram --json {arguments} >/run/ram.json 2>/run/ram.err"
    ))?;
    let (text, told) = (file(shell, "/run/ram.json")?, file(shell, "/run/ram.err")?);
    println!("{told}{text}");
    ensure!(said.status == 0, "status {}", said.status);
    let ram: Value = serde_json::from_str(&text)?;
    let number = |name: &str| ram[name].as_u64().with_context(|| name.to_owned());

    let all = system_ram(&file(shell, "/proc/iomem")?)?;
    ensure!(number("system_ram_bytes")? == all, "the map says {all}");
    let reached = number("reached_bytes")?;
    let percent = 100.0 * reached as f64 / all as f64;
    let told = ram["coverage_percent"].as_f64().context("no coverage")?;
    ensure!((told - percent).abs() < 0.01, "{told} is not {percent}");
    ensure!(percent >= percent_min, "{percent} %");
    // No more than the kernel itself has.
    let meminfo = file(shell, "/proc/meminfo")?;
    let total = meminfo.lines().find(|line| line.starts_with("MemTotal:"));
    let total = total.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    ensure!(reached <= total.context("no MemTotal")? * 1024, "{reached}");
    ensure!(number("swept_bytes")? > reached && number("errors")? == 0);
    nobody_was_ended(shell)?;
    Ok(ram)
}

/// The kernel has ended no program for want of memory.
fn nobody_was_ended(shell: &Shell) -> anyhow::Result<()> {
    shell.run("busybox dmesg >/run/dmesg")?;
    let log = file(shell, "/run/dmesg")?;
    ensure!(log.contains("Linux version"), "no log");
    let words = ["oom", "Out of memory", "page allocation failure"];
    let lines = log.lines();
    let bad: Vec<&str> = lines
        .filter(|line| words.iter().any(|word| line.contains(word)))
        .collect();
    ensure!(bad.is_empty(), "{bad:?}");
    Ok(())
}

#[test]
fn pc_of_512_mib_is_tested_as_far_as_it_goes_and_nothing_is_ended() {
    scenario("ram-512", |bench| {
        let shell = shell(bench, 512)?;
        let ram = reaches(&shell, "", 40.0)?;
        let kept = ram["not_done"].as_array().context("nothing is named")?;
        let reserve = kept.iter().find(|what| what["what"] == "reserve");
        let reserve = reserve.context("no reserve")?["bytes"].as_u64();
        ensure!(reserve == Some(150 * MIB), "{reserve:?}");
        Ok(())
    });
}

#[test]
fn pc_of_1_gib_is_tested_and_a_stopped_test_says_so() {
    scenario("ram-1024", |bench| {
        let shell = shell(bench, 1024)?;
        reaches(&shell, "", 55.0)?;

        let begun = shell.begin("raz check ram")?;
        shell.says(begun, "checkerboard")?;
        shell.running.serial.send(b"\x03")?;
        let said = shell.end(begun)?;
        ensure!(said.status == 1, "{said:?}");
        let words = "Test stopped: no error until then, which is not enough.";
        ensure!(said.text.contains(words), "{said:?}");
        ensure!(said.text.contains("not done: test not done: walking bit"));
        nobody_was_ended(&shell)
    });
}

#[test]
#[ignore = "two minutes of an emulated processor's time each"]
fn pcs_of_4_and_8_gib_are_reached_within_two_minutes() {
    for memory_mib in [4096, 8192] {
        scenario(&format!("ram-{memory_mib}"), |bench| {
            let shell = shell(bench, memory_mib)?;
            reaches(&shell, "--minutes 2", 80.0)?;
            Ok(())
        });
    }
}

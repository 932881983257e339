//! Honest drives: serial numbers, capacities, what is supported, how far an erasure is, and that
//! nothing is left.

use super::{SECTORS, ends, says, used_ata, used_nvme, used_scsi};
use anyhow::{Context, ensure};
use lab::bench::scenario;
use lab::guest::{Guest, Setup};
use lab::truth::{OLD_BYTES, contents, use_up};
use lab::wire::Unit;
use sim::ata::disk::AtaDisk;
use sim::ata::options::Options;
use sim::clock::Clock;
use sim::device::{Event, ScsiDevice as _};
use sim::nvme::NvmeDrive;
use sim::scsi::{ScsiDisk, ScsiOptions};
use std::sync::Mutex;
use std::time::Duration;

/// What every erasure takes, by a clock that stands still until it is advanced.
const TAKES: Duration = Duration::from_secs(60);
const HALF: Duration = Duration::from_secs(30);

#[test]
fn what_other_tools_say_of_honest_drives_is_what_the_models_say() {
    scenario("peers", |bench| {
        let clock = Clock::by_hand();
        let mut options = Options {
            serial: "PEER-FLASH".into(),
            wwn: 0x5000_c500_0000_00a1,
            accessible: Some(SECTORS - 4096),
            ..Options::default()
        };
        options.sanitize.block_time = TAKES;
        let flash = used_ata(options, &clock);
        let mut options = Options {
            serial: "PEER-PLATTER".into(),
            wwn: 0x5000_c500_0000_00a2,
            ..Options::magnetic()
        };
        options.sanitize.pass_time = TAKES;
        options.security.erase_time = Duration::from_secs(240);
        options.security.enhanced_time = Duration::from_secs(360);
        let platter = used_ata(options, &clock);
        platter.lock().unwrap().reallocate(100);
        let mut options = ScsiOptions::disk("PEER-SAS", 0x5000_c500_0000_00a3, SECTORS);
        options.sanitize.overwrite = Some(TAKES);
        options.sanitize.block_erase = Some(TAKES);
        options.format = Some(TAKES);
        options.clock = clock.clone();
        let sas = used_scsi(options);
        sas.lock().unwrap().replace_sector(100);
        let mut options = sim::nvme::options::Options::default();
        options.durations.block_erase = TAKES;
        let nvme = used_nvme("PEER-NVME", options, &clock)?;

        let setup = Setup::new("pc")
            .with_peers()
            .simulated(Unit::new(flash.clone()))
            .simulated(Unit::new(platter.clone()))
            .simulated(Unit::new(sas.clone()))
            .subsystem(&nvme.subsystem);
        let guest = Guest::boot(bench, &setup)?;
        let find = "flash=$(disk PEER-FLASH) platter=$(disk PEER-PLATTER) sas=$(disk PEER-SAS) nvme=$(disk PEER-NVME)";
        says(&guest, find, &[])?;
        sata_flash(&guest, &flash, &clock).context("SATA flash")?;
        sata_platter(&guest, &platter, &clock).context("SATA platter")?;
        sas_disk(&guest, &sas, &clock).context("SAS")?;
        nvme_drive(&guest, &nvme.drive, &clock).context("NVMe")
    });
}

fn sata_flash(guest: &Guest, disk: &Mutex<AtaDisk>, clock: &Clock) -> anyhow::Result<()> {
    let hidden = [
        "Model Number: SIMULATED ATA DISK Serial Number: PEER-FLASH Firmware Revision: SIM01",
        "LBA48 user addressable sectors: 4096",
        "Logical Sector size: 512 bytes",
        "Physical Sector size: 4096 bytes",
        "Solid State Device",
        "* SANITIZE feature set * CRYPTO_SCRAMBLE_EXT command * OVERWRITE_EXT command * BLOCK_ERASE_EXT command",
        "* Device encrypts all user data",
        "supported not enabled not locked not frozen not expired: security count supported: enhanced erase",
        "Device Identifier: 5000c500000000a1",
        "Checksum: correct",
    ];
    says(guest, "hdparm -I $flash", &hidden)?;
    let hpa = "max sectors = 4096/8192, HPA is enabled";
    says(guest, "hdparm -N $flash", &[hpa])?;
    let restore = "hdparm --yes-i-know-what-i-am-doing -N p8192 $flash";
    says(
        guest,
        restore,
        &["max sectors = 8192/8192, HPA is disabled"],
    )?;
    says(
        guest,
        "smartctl -a $flash",
        &[
            "Device Model: SIMULATED ATA DISK Serial Number: PEER-FLASH LU WWN Device Id: 5 000c50 0000000a1",
            "User Capacity: 4,194,304 bytes",
            "self-assessment test result: PASSED",
            "5 Reallocated_Sector_Ct 0x0033 100 100 010 Pre-fail Always - 0",
        ],
    )?;
    disk.lock().unwrap().options_mut().lies.smart_failing = true;
    // Bit 3: it is failing; bit 4: so does an attribute.
    let failing = "self-assessment test result: FAILED!";
    ends(guest, "smartctl -H $flash", 8 | 16, &[failing])?;

    let status = "hdparm --sanitize-status $flash";
    says(guest, status, &["State: SD0 Sanitize Idle"])?;
    let before = disk.lock().unwrap().cells().find(OLD_BYTES).len();
    ensure!(before > 8192, "{before} places with old bytes");
    let erase = "hdparm --yes-i-know-what-i-am-doing --sanitize-block-erase $flash";
    says(guest, erase, &["Operation started in background"])?;
    clock.advance(HALF);
    let half = "State: SD2 Sanitize operation In Process Progress: 0x8000 (50%)";
    says(guest, status, &[half])?;
    ensure!(disk.lock().unwrap().cells().find(OLD_BYTES).len() == before);
    clock.advance(HALF);
    let done = "Last Sanitize Operation Completed Without Error";
    says(guest, status, &[done])?;
    nothing_is_left(disk.lock().unwrap().cells())
}

fn sata_platter(guest: &Guest, disk: &Mutex<AtaDisk>, clock: &Clock) -> anyhow::Result<()> {
    let identify = "hdparm -I $platter";
    says(
        guest,
        identify,
        &[
            "Serial Number: PEER-PLATTER",
            "Nominal Media Rotation Rate: 7200",
            "not enabled not locked not frozen",
            "4min for SECURITY ERASE UNIT. 6min for ENHANCED SECURITY ERASE UNIT.",
        ],
    )?;
    let counted = "5 Reallocated_Sector_Ct 0x0033 100 100 010 Pre-fail Always - 1";
    says(guest, "smartctl -a $platter", &[counted])?;
    let set = "hdparm --user-master u --security-set-pass x $platter";
    says(guest, set, &["password=\"x\", user=user, mode=high"])?;
    says(
        guest,
        identify,
        &["supported enabled not locked not frozen"],
    )?;

    // A password that was set locks when the power was gone, and opens what it locked.
    for event in [Event::PowerOff, Event::PowerOn] {
        disk.lock().unwrap().event(event);
    }
    // hdparm would take the news of it for an answer to IDENTIFY DEVICE.
    says(guest, "sg_requests $platter", &["ower on"])?;
    says(guest, identify, &["supported enabled locked not frozen"])?;
    let unlock = "hdparm --user-master u --security-unlock x $platter";
    says(guest, unlock, &[])?;
    says(
        guest,
        identify,
        &["supported enabled not locked not frozen"],
    )?;

    // A normal erase leaves what was replaced.
    let erase = "hdparm --user-master u --security-erase x $platter";
    let before = clock.now();
    says(guest, erase, &["Issuing SECURITY_ERASE command"])?;
    ensure!(clock.now() - before == Duration::from_secs(240));
    let left = disk.lock().unwrap().cells().find(OLD_BYTES);
    ensure!(left == [100], "old bytes at {left:?}");
    says(
        guest,
        identify,
        &["supported not enabled not locked not frozen"],
    )?;
    use_up(disk.lock().unwrap().cells_mut());
    says(guest, set, &[])?;
    let enhanced = "hdparm --user-master u --security-erase-enhanced x $platter";
    says(guest, enhanced, &["Issuing SECURITY_ERASE command"])?;
    nothing_is_left(disk.lock().unwrap().cells())?;

    use_up(disk.lock().unwrap().cells_mut());
    let overwrite = "hdparm --yes-i-know-what-i-am-doing --sanitize-overwrite-passes 1 --sanitize-overwrite hex:a5c3960f $platter";
    says(guest, overwrite, &["Operation started in background"])?;
    clock.advance(TAKES);
    let done = "Last Sanitize Operation Completed Without Error";
    says(guest, "hdparm --sanitize-status $platter", &[done])?;
    let mut disk = disk.lock().unwrap();
    nothing_is_left(disk.cells())?;
    let sector = Some([0xA5, 0xC3, 0x96, 0x0F].repeat(128));
    let is_filled = contents(disk.cells()).iter().all(|held| *held == sector);
    ensure!(is_filled, "not the pattern that was given");
    Ok(())
}

fn sas_disk(guest: &Guest, disk: &Mutex<ScsiDisk>, clock: &Clock) -> anyhow::Result<()> {
    let inquiry =
        "Vendor identification: SIM Product identification: SAS DISK Product revision level: 0001";
    says(guest, "sg_inq $sas", &[inquiry])?;
    let capacity = [
        "prot_en=0",
        "Number of logical blocks=8192",
        "Logical block length=512 bytes",
        "Device size: 4194304 bytes",
    ];
    says(guest, "sg_readcap --16 $sas", &capacity)?;
    says(
        guest,
        "smartctl -i -H $sas",
        &[
            "Rotation Rate: 7200 rpm",
            "Logical Unit id: 0x5000c500000000a3 Serial number: PEER-SAS",
            "Transport protocol: SAS",
            "SMART Health Status: OK",
        ],
    )?;
    let progress = "sg_requests --progress $sas";
    for action in ["--block", "--overwrite --zero"] {
        use_up(disk.lock().unwrap().cells_mut());
        // Without a look at it each minute.
        let sanitize = format!("sg_sanitize {action} --quick --early $sas");
        says(guest, &sanitize, &["Unit serial number: PEER-SAS"])?;
        clock.advance(HALF);
        says(guest, progress, &["Progress indication: 50.00% done"])?;
        clock.advance(HALF);
        let said = ends(guest, progress, 0, &[])?;
        ensure!(said.text.trim().is_empty(), "{said:?}");
        nothing_is_left(disk.lock().unwrap().cells())?;
    }
    // A format leaves what was replaced.
    use_up(disk.lock().unwrap().cells_mut());
    disk.lock().unwrap().replace_sector(200);
    says(guest, "sg_format --format --quick --early $sas", &[])?;
    clock.advance(HALF);
    says(guest, progress, &["Progress indication: 50.00% done"])?;
    clock.advance(HALF);
    says(guest, progress, &[])?;
    let disk = disk.lock().unwrap();
    let left = disk.cells().find(OLD_BYTES);
    ensure!(
        left.len() == 1 && !disk.cells().is_addressed(left[0]),
        "{left:?}"
    );
    Ok(())
}

fn nvme_drive(guest: &Guest, drive: &Mutex<NvmeDrive>, clock: &Clock) -> anyhow::Result<()> {
    says(
        guest,
        "nvme id-ctrl $nvme",
        &[
            "sn : PEER-NVME mn : SIM NVMe 8M fr : 1.0",
            "tnvmcap : 4194304",
            "sanicap : 0x4000002f",
            "fna : 0x4",
        ],
    )?;
    says(
        guest,
        "nvme id-ns $nvme",
        &["nsze : 0x2000", "lbaf 0 : ms:0 lbads:9"],
    )?;
    says(
        guest,
        "smartctl -a $nvme",
        &[
            "Model Number: SIM NVMe 8M Serial Number: PEER-NVME Firmware Version: 1.0",
            "Namespace 1 Size/Capacity: 4,194,304",
            "self-assessment test result: PASSED",
            "Temperature: 35 Celsius Available Spare: 100%",
        ],
    )?;
    let log = "nvme sanitize-log $nvme";
    let written = "dd if=/dev/urandom of=$nvme bs=4096 count=1 conv=fsync 2>/dev/null";
    let new = "Sanitize Status (SSTAT) : 0x100 Sanitize Command Dword 10 Information (SCDW10) : 0";
    says(guest, log, &[new])?;
    says(guest, written, &[])?;
    let never = "(SPROG) : 65535 Sanitize Status (SSTAT) : 0 Sanitize Command Dword 10 Information (SCDW10) : 0";
    says(guest, log, &[never, "Estimated Time For Block Erase : 60"])?;
    let before = drive.lock().unwrap().find(OLD_BYTES);
    ensure!(before > 8192, "{before} places with old bytes");
    says(guest, "nvme sanitize -a 2 /dev/nvme0", &[])?;
    clock.advance(HALF);
    let half = "(SPROG) : 32768 Sanitize Status (SSTAT) : 0x2 Sanitize Command Dword 10 Information (SCDW10) : 0x2";
    says(guest, log, &[half, "(SSI) : 0x1"])?;
    let again = "nvme sanitize -a 2 /dev/nvme0";
    ends(guest, again, 1, &["Sanitize In Progress"])?;
    clock.advance(HALF);
    let done = "(SPROG) : 65535 Sanitize Status (SSTAT) : 0x101";
    says(guest, log, &[done])?;
    let left = drive.lock().unwrap().find(OLD_BYTES);
    ensure!(left == 0, "{left} places with old bytes");

    use_up(drive.lock().unwrap().cells_mut(1).context("cells")?);
    says(
        guest,
        "nvme format --ses=1 --force $nvme",
        &["Success formatting namespace:1"],
    )?;
    let left = drive.lock().unwrap().find(OLD_BYTES);
    ensure!(left == 0, "{left} places with old bytes");
    Ok(())
}

fn nothing_is_left(cells: &sim::cells::Cells) -> anyhow::Result<()> {
    let left = cells.find(OLD_BYTES);
    ensure!(left.is_empty(), "old bytes at {left:?}");
    Ok(())
}

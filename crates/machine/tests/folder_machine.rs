//! Machines made of folders: `/sys` and `/proc` as the kernel lays them out, read through `Roots`.

use machine::parts::battery::{Battery, Confidence};
use machine::parts::display::Gpu;
use machine::parts::firmware::{FirmwareMode, SecureBoot, Tpm};
use machine::parts::locks::{FirmwarePassword, WindowsKey};
use machine::parts::network::Nic;
use machine::{MachineFacts, Roots, facts};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().expect("a folder of our own"))
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("inside the folder")).expect("its folder");
        fs::write(path, content).expect("the file");
        self
    }

    fn link(&self, name: &str, target: &str) -> &Self {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("inside the folder")).expect("its folder");
        symlink(Path::new(target), path).expect("the link");
        self
    }

    fn supply(&self, name: &str, attributes: &[(&str, &str)]) -> &Self {
        for (attribute, value) in attributes {
            self.file(
                &format!("sys/class/power_supply/{name}/{attribute}"),
                format!("{value}\n"),
            );
        }
        self
    }

    fn facts(&self) -> MachineFacts {
        facts(&Roots {
            sys: self.0.path().join("sys"),
            proc: self.0.path().join("proc"),
        })
    }
}

#[test]
fn empty_folder_has_no_facts_and_no_oddities() {
    assert_eq!(Folder::new().facts(), MachineFacts::default());
}

#[test]
fn same_folder_gives_the_same_facts() {
    let folder = Folder::new();
    folder.file(
        "proc/meminfo",
        "MemTotal:        8041332 kB\nMemFree: 1 kB\n",
    );
    assert_eq!(folder.facts(), folder.facts());
    assert_eq!(folder.facts().memory.total_bytes, Some(8_041_332 * 1024));
}

#[test]
fn unreadable_file_is_an_oddity_with_its_name() {
    let folder = Folder::new();
    // A folder where a file should be: reading it fails for any user, root included.
    folder
        .file("sys/firmware/dmi/tables/DMI/x", "")
        .file("proc/meminfo", "MemTotal: many kB\n");
    let facts = folder.facts();
    assert_eq!(facts.smbios, None);
    assert_eq!(facts.memory.total_bytes, None);
    assert_eq!(facts.oddities.len(), 2, "{:?}", facts.oddities);
    assert!(
        facts
            .oddities
            .iter()
            .any(|odd| odd.starts_with("firmware/dmi/tables/DMI: "))
    );
    assert!(
        facts
            .oddities
            .iter()
            .any(|odd| odd == "meminfo: no MemTotal in it")
    );
}

#[test]
fn slots_of_main_memory_add_up() {
    let folder = Folder::new();
    // Main memory array 0x10 with a 4 GiB and an empty slot; flash array 0x20 with a 16 MiB chip.
    let table = b"\x10\x0f\x10\x00\x03\x03\x03\x00\x00\x80\x00\xfe\xff\x02\x00\0\0\
        \x11\x15\x11\x00\x10\x00\xfe\xff\x40\x00\x40\x00\x00\x10\x0d\x00\x01\x00\x1a\0\0A1\0\0\
        \x11\x15\x12\x00\x10\x00\xfe\xff\x40\x00\x40\x00\x00\x00\x0d\x00\x01\x00\x02\0\0A2\0\0\
        \x10\x0f\x20\x00\x03\x05\x03\x00\x40\x00\x00\xfe\xff\x01\x00\0\0\
        \x11\x15\x21\x00\x20\x00\xfe\xff\x08\x00\x08\x00\x10\x00\x05\x00\x01\x00\x09\0\0ROM\0\0\
        \x7f\x04\xff\xfe\0\0";
    folder
        .file("sys/firmware/dmi/tables/DMI", table)
        .file("proc/meminfo", "MemTotal: 3900000 kB\n");
    let memory = folder.facts().memory;
    assert_eq!(memory.installed_bytes, Some(4 << 30));
    assert_eq!(memory.fitted_bytes(), Some(4 << 30));
    assert_eq!(memory.capacity_max_bytes, Some(8 << 30));
    assert_eq!((memory.slots.len(), memory.slots_empty()), (2, 1));
}

#[test]
fn modules_that_add_up_to_less_than_the_kernel_uses_are_odd() {
    let folder = Folder::new();
    let table =
        b"\x11\x15\x11\x00\x10\x00\xfe\xff\x40\x00\x40\x00\x00\x02\x0d\x00\x01\x00\x1a\0\0A1\0\0";
    folder
        .file("sys/firmware/dmi/tables/DMI", table)
        .file("proc/meminfo", "MemTotal: 3900000 kB\n");
    let facts = folder.facts();
    assert_eq!(facts.memory.fitted_bytes(), Some(3_900_000 * 1024));
    assert!(
        facts
            .oddities
            .iter()
            .any(|odd| odd.contains("536870912 bytes"))
    );
}

#[test]
fn battery_by_energy() {
    let folder = Folder::new();
    folder
        .supply("AC", &[("type", "Mains"), ("online", "1")])
        .supply(
            "BAT0",
            &[
                ("type", "Battery"),
                ("present", "1"),
                ("manufacturer", "SANYO"),
                ("model_name", "45N1161"),
                ("serial_number", " 6281"),
                ("technology", "Li-ion"),
                ("energy_full_design", "56160000"),
                ("energy_full", "41230000"),
                ("voltage_min_design", "10800000"),
                ("cycle_count", "312"),
            ],
        );
    let facts = folder.facts();
    assert!(facts.power.mains_seen);
    assert_eq!(
        facts.power.batteries,
        [Battery {
            name: "BAT0".into(),
            maker: Some("SANYO".into()),
            model: Some("45N1161".into()),
            serial: Some("6281".into()),
            chemistry: Some("Li-ion".into()),
            capacity_design_mwh: Some(56_160),
            capacity_full_mwh: Some(41_230),
            voltage_design_mv: Some(10_800),
            health_percent: Some(73),
            health_percent_raw: Some(73),
            cycles: Some(312),
            confidence: Confidence::Plausible,
        }]
    );
    assert_eq!(facts.portable(), Some(true));
    assert_eq!(facts.oddities, [""; 0]);
}

#[test]
fn battery_by_charge_needs_the_voltage_for_energy_only() {
    let folder = Folder::new();
    let charge = [
        ("type", "Battery"),
        ("charge_full_design", "4400000"),
        ("charge_full", "2200000"),
    ];
    folder.supply("BAT0", &charge).supply("BAT1", &charge);
    folder.supply(
        "BAT1",
        &[("voltage_min_design", "11100000"), ("cycle_count", "0")],
    );
    let facts = folder.facts();
    let [without, with] = facts.power.batteries.as_slice() else {
        panic!("two batteries")
    };
    assert_eq!(
        (without.capacity_design_mwh, without.health_percent),
        (None, Some(50))
    );
    assert_eq!(
        (with.capacity_design_mwh, with.capacity_full_mwh),
        (Some(48_840), Some(24_420))
    );
    assert_eq!(with.cycles, None, "0 means that it does not count");
}

#[test]
fn gauge_above_design_is_capped_and_doubtful_and_nonsense_is_unknown() {
    for (full, health, raw, confidence) in [
        ("99000", Some(99), Some(99), Confidence::Plausible),
        ("100000", Some(100), Some(100), Confidence::Doubtful),
        ("108000", Some(100), Some(108), Confidence::Doubtful),
        ("150000", Some(100), Some(150), Confidence::Doubtful),
        ("151000", None, Some(151), Confidence::Unknown),
        ("0", None, None, Confidence::Unknown),
        ("-1000", None, None, Confidence::Unknown),
    ] {
        let folder = Folder::new();
        folder.supply(
            "BAT0",
            &[
                ("type", "Battery"),
                ("energy_full_design", "100000"),
                ("energy_full", full),
            ],
        );
        let facts = folder.facts();
        let [battery] = facts.power.batteries.as_slice() else {
            panic!("one battery")
        };
        assert_eq!(
            (
                battery.health_percent,
                battery.health_percent_raw,
                battery.confidence
            ),
            (health, raw, confidence),
            "{full}"
        );
        assert_eq!(
            facts.oddities.len(),
            usize::from(raw > Some(150)),
            "{:?}",
            facts.oddities
        );
    }
}

#[test]
fn mouse_battery_and_empty_bay_are_no_batteries_of_the_machine() {
    let folder = Folder::new();
    folder
        .supply(
            "hidpp_battery_0",
            &[("type", "Battery"), ("scope", "Device")],
        )
        .supply("BAT1", &[("type", "Battery"), ("present", "0")]);
    assert_eq!(folder.facts().power.batteries, []);
}

#[test]
fn only_physical_adapters_count_and_no_network_is_named() {
    let folder = Folder::new();
    let net = "sys/class/net";
    folder
        .file(&format!("{net}/lo/type"), "772\n")
        .file(&format!("{net}/lo/address"), "00:00:00:00:00:00\n")
        .file(&format!("{net}/br0/type"), "1\n")
        .file(&format!("{net}/eth0/type"), "1\n")
        .file(&format!("{net}/eth0/address"), "52:54:00:AB:CD:EF\n")
        .file(&format!("{net}/eth0/operstate"), "up\n")
        .file(&format!("{net}/eth0/speed"), "1000\n")
        .link(
            &format!("{net}/eth0/device/driver"),
            "../../../../bus/pci/drivers/e1000e",
        )
        .link(
            &format!("{net}/eth0/device/subsystem"),
            "../../../../bus/pci",
        )
        .file(&format!("{net}/eth1/type"), "1\n")
        .file(&format!("{net}/eth1/address"), "00:00:00:00:00:00\n")
        .file(&format!("{net}/eth1/operstate"), "down\n")
        .file(&format!("{net}/eth1/speed"), "-1\n")
        .file(&format!("{net}/eth1/device/uevent"), "")
        .file(&format!("{net}/wlan0/type"), "1\n")
        .file(&format!("{net}/wlan0/address"), "a4:02:b9:00:00:01\n")
        .file(&format!("{net}/wlan0/device/uevent"), "")
        .file(&format!("{net}/wlan0/phy80211/name"), "phy0\n");
    let facts = folder.facts();
    let nic = |name: &str, mac: Option<&str>, wireless| Nic {
        name: name.into(),
        mac: mac.map(Into::into),
        wireless,
        driver: None,
        bus: None,
        speed_mbits: None,
    };
    assert_eq!(
        facts.nics,
        [
            Nic {
                driver: Some("e1000e".into()),
                bus: Some("pci".into()),
                speed_mbits: Some(1000),
                ..nic("eth0", Some("52:54:00:ab:cd:ef"), false)
            },
            nic("eth1", None, false),
            nic("wlan0", Some("a4:02:b9:00:00:01"), true),
        ]
    );
    assert_eq!(facts.oddities, ["eth1: hardware address is not set"]);
}

#[test]
fn graphics_adapters_are_pci_functions_of_class_03() {
    let folder = Folder::new();
    let pci = "sys/bus/pci/devices";
    folder
        .file(&format!("{pci}/0000:00:02.0/class"), "0x030000\n")
        .file(&format!("{pci}/0000:00:02.0/vendor"), "0x8086\n")
        .file(&format!("{pci}/0000:00:02.0/device"), "0x0416\n")
        .file(&format!("{pci}/0000:00:03.0/class"), "0x040300\n")
        .file(&format!("{pci}/0000:01:00.0/class"), "0x030200\n");
    let facts = folder.facts();
    assert_eq!(
        facts.gpus,
        [Gpu {
            address: "0000:00:02.0".into(),
            vendor_id: 0x8086,
            device_id: 0x0416,
            driver: None,
        }]
    );
    assert_eq!(
        facts.oddities,
        ["graphics adapter 0000:01:00.0: no vendor and device id"]
    );
}

#[test]
fn screens_are_those_that_gave_an_edid() {
    let folder = Folder::new();
    let mut edid = vec![0u8; 128];
    edid[..8].copy_from_slice(&[0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00]);
    // LGD; version 1.4; 31 by 17 cm; 1366 by 768; the checksum left wrong.
    edid[8..10].copy_from_slice(&[0x30, 0xE4]);
    edid[18..23].copy_from_slice(&[0x01, 0x04, 0x95, 31, 17]);
    edid[54..62].copy_from_slice(&[0x2A, 0x1C, 0x56, 0xA0, 0x50, 0x00, 0x1E, 0x30]);
    folder
        .file("sys/class/drm/card0/dev", "226:0\n")
        .file("sys/class/drm/card0-eDP-1/edid", &edid)
        .file("sys/class/drm/card0-VGA-1/edid", "");
    let facts = folder.facts();
    let [screen] = facts.displays.as_slice() else {
        panic!("one screen")
    };
    assert_eq!(
        (screen.connector.as_str(), screen.internal),
        ("eDP-1", true)
    );
    assert_eq!(screen.edid.maker.as_deref(), Some("LGD"));
    assert_eq!(
        (screen.edid.width_px, screen.edid.height_px),
        (Some(1366), Some(768))
    );
    assert_eq!(
        (screen.edid.width_cm, screen.edid.height_cm),
        (Some(31), Some(17))
    );
    assert_eq!(facts.oddities, ["screen on eDP-1: checksum is wrong"]);
}

#[test]
fn secure_boot_is_the_fifth_byte() {
    let variable = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    for (bytes, state, oddities) in [
        (&b"\x06\0\0\0\x01"[..], Some(SecureBoot::Enabled), 0),
        (b"\x06\0\0\0\x00", Some(SecureBoot::Disabled), 0),
        (b"\x06\0\0\0\x02", None, 1),
        (b"\x06\0\0\0", None, 1),
    ] {
        let folder = Folder::new();
        folder.file(variable, bytes);
        let facts = folder.facts();
        assert_eq!(facts.firmware.mode, Some(FirmwareMode::Uefi));
        assert_eq!(facts.firmware.secure_boot, state, "{bytes:?}");
        assert_eq!(facts.oddities.len(), oddities);
    }
}

#[test]
fn unmounted_variables_are_unknown_and_a_missing_variable_is_unsupported() {
    let unmounted = Folder::new();
    unmounted.file("sys/firmware/efi/fw_platform_size", "64\n");
    let facts = unmounted.facts();
    assert_eq!(
        (facts.firmware.secure_boot, facts.oddities.len()),
        (None, 1)
    );

    let without = Folder::new();
    without.file(
        "sys/firmware/efi/efivars/BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c",
        "x",
    );
    assert_eq!(
        without.facts().firmware.secure_boot,
        Some(SecureBoot::Unsupported)
    );
}

#[test]
fn lockdown_is_the_word_in_brackets_and_unknown_without_securityfs() {
    for (text, lockdown) in [
        ("none [integrity] confidentiality\n", Some("integrity")),
        ("[none] integrity confidentiality\n", Some("none")),
        ("none integrity\n", None),
        ("]none[\n", None),
    ] {
        let folder = Folder::new();
        folder.file("sys/kernel/security/lockdown", text);
        let facts = folder.facts();
        assert_eq!(facts.firmware.lockdown.as_deref(), lockdown, "{text}");
    }
    let without = Folder::new();
    without.file("sys/firmware/memmap/0/start", "0x0\n");
    assert_eq!(without.facts().firmware.lockdown, None);
}

#[test]
fn bios_boot_and_tpm_are_told() {
    let folder = Folder::new();
    folder
        .file("sys/firmware/memmap/0/start", "0x0\n")
        .file("sys/class/tpm/tpm0/tpm_version_major", "2\n");
    let firmware = folder.facts().firmware;
    assert_eq!(firmware.mode, Some(FirmwareMode::Bios));
    assert_eq!(firmware.secure_boot, None);
    assert_eq!(
        firmware.tpm,
        Some(Tpm {
            version_major: Some(2)
        })
    );
}

#[test]
fn passwords_of_the_firmware_are_what_the_makers_driver_shows() {
    let folder = Folder::new();
    let attribute = |path: &str, text: &str| {
        folder.file(&format!("sys/class/firmware-attributes/{path}"), text);
    };
    attribute("thinklmi/authentication/Admin/role", "bios-admin\n");
    attribute("thinklmi/authentication/Admin/is_enabled", "1\n");
    attribute("thinklmi/authentication/Power-on/role", "power-on\n");
    attribute("thinklmi/authentication/Power-on/is_enabled", "0\n");
    attribute("thinklmi/authentication/System/is_enabled", "yes\n");
    let facts = folder.facts();
    let password = |role: &str, set| FirmwarePassword {
        role: role.into(),
        set,
    };
    assert_eq!(
        facts.locks.passwords,
        [
            password("bios-admin", Some(true)),
            password("power-on", Some(false)),
            password("System", None),
        ]
    );
    assert_eq!(facts.locks.password_set(), Some(true));
    assert!(
        facts.oddities[0].contains("System/is_enabled"),
        "{:?}",
        facts.oddities
    );
    assert_eq!(Folder::new().facts().locks.password_set(), None);
}

#[test]
fn programs_and_keys_for_windows_are_found_in_the_tables_of_the_firmware() {
    let folder = Folder::new();
    folder.file("sys/firmware/acpi/tables/FACP", "");
    let locks = folder.facts().locks;
    assert_eq!(
        (locks.platform_binary, locks.windows_key),
        (Some(false), None)
    );

    let mut table = [0; 56].to_vec();
    table.extend(b"ABCDE-FGHJK-23456-LMNPQ-7RSTV");
    folder
        .file("sys/firmware/acpi/tables/WPBT", "")
        .file("sys/firmware/acpi/tables/MSDM", table);
    let locks = folder.facts().locks;
    let ends = Some("7RSTV".into());
    assert_eq!(locks.platform_binary, Some(true));
    assert_eq!(locks.windows_key, Some(WindowsKey { ends }));

    folder.file("sys/firmware/acpi/tables/MSDM", "MSDM");
    let facts = folder.facts();
    assert_eq!(facts.locks.windows_key, Some(WindowsKey { ends: None }));
    assert_eq!(
        facts.oddities,
        ["ACPI table MSDM holds no key of the known form"]
    );
}

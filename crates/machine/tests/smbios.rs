//! SMBIOS tables written byte by byte from DSP0134, as a laptop's firmware lays them out.
//!
//! The bytes are literals on purpose: a builder of ours would agree with our parser's mistakes.

use machine::parts::smbios::{
    Bios, Board, MemoryArray, MemoryRange, PortableBattery, RangeOwner, Smbios, Socket, System,
    Version, parse,
};
use machine::{Label, parts::chassis::ChassisKind};
use proptest::prelude::*;

/// `_SM3_`, version 3.2, checksum summed by hand.
const ENTRY_3_2: [u8; 24] = [
    0x5F, 0x53, 0x4D, 0x33, 0x5F, 0x53, 0x18, 0x03, 0x02, 0x00, 0x01,
    0x00, // anchor to revision
    0x00, 0x10, 0x00, 0x00, // table size at most
    0x00, 0xE0, 0x0E, 0x00, 0x00, 0x00, 0x00, 0x00, // address
];

/// `_SM_`, version 2.5.
const ENTRY_2_5: [u8; 31] = [
    0x5F, 0x53, 0x4D, 0x5F, 0x1C, 0x1F, 0x02, 0x05, 0x60, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x5F, 0x44, 0x4D, 0x49, 0x5F, 0x29, 0x00, 0x02, 0x00, 0x00, 0x0E, 0x00, 0x0A, 0x00, 0x25,
];

const BIOS: &[u8] = b"\x00\x1a\x00\x00\
    \x01\x02\x00\xe0\x03\xff\
    \x80\x98\x8b\x3f\x01\x00\x00\x00\
    \x03\x0d\x02\x36\x01\x0f\x10\x00\
    LENOVO\0GLET90WW (2.44 )\x0009/13/2017\0\0";

const SYSTEM: &[u8] = b"\x01\x1b\x01\x00\
    \x01\x02\x03\x04\
    \x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff\
    \x06\x05\x06\
    LENOVO\x0020AN006VMS\0ThinkPad T440p\0PF00AA11\0LENOVO_MT_20AN\0ThinkPad T440p\0\0";

const BOARD: &[u8] = b"\x02\x0f\x02\x00\
    \x01\x02\x00\x03\x00\x09\x00\x03\x00\x0a\x00\
    LENOVO\x0020AN006VMS\0Default string\0\0";

/// Notebook with its lock bit set.
const CHASSIS: &[u8] = b"\x03\x16\x03\x00\
    \x01\x8a\x00\x02\x03\x03\x03\x03\x03\x00\x00\x00\x00\x00\x01\x00\x00\x00\
    LENOVO\0PF00AA11\0No Asset Information\0\0";

/// SMBIOS 3.0 layout: 0xFF cores, so that the 16-bit fields count.
const SOCKET: &[u8] = b"\x04\x30\x04\x00\
    \x01\x03\xc6\x02\x00\x00\x00\x00\x00\x00\x00\x00\
    \x03\x8b\x64\x00\x80\x0c\x28\x0a\
    \x41\x01\x05\x00\x06\x00\x07\x00\
    \x00\x00\x00\xff\xff\xff\xfc\x00\
    \xc6\x00\x00\x01\x00\x01\x00\x02\
    CPU Socket\0Intel(R) Corporation\0Big CPU\0\0";

const ARRAY: &[u8] = b"\x10\x17\x05\x00\
    \x03\x03\x03\x00\x00\x00\x01\xfe\xff\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \0\0";

/// 8192 MiB SODIMM DDR3 at 1600 MT/s.
const MODULE: &[u8] = b"\x11\x28\x06\x00\
    \x05\x00\xfe\xff\x40\x00\x40\x00\x00\x20\x0d\x00\x01\x02\x18\x80\x00\x40\x06\
    \x03\x04\x00\x05\x00\x00\x00\x00\x00\x40\x06\x00\x00\x00\x00\x00\x00\
    ChannelA-DIMM0\0BANK 0\0Samsung\x000A1B2C3D\0M471B1G73DB0-YK0\0\0";

const SLOT_EMPTY: &[u8] = b"\x11\x1b\x07\x00\
    \x05\x00\xfe\xff\xff\xff\xff\xff\x00\x00\x0d\x00\x01\x02\x02\x00\x00\x00\x00\
    \x03\x03\x00\x03\
    ChannelB-DIMM0\0BANK 2\0[Empty]\0\0";

/// 48 GiB by the extended size, 7200 MT/s.
const MODULE_LARGE: &[u8] = b"\x11\x5c\x08\x00\
    \x05\x00\xfe\xff\x40\x00\x40\x00\xff\x7f\x09\x00\x01\x00\x22\x80\x00\xff\xff\
    \x00\x00\x00\x00\x00\x00\xc0\x00\x00\xe0\x15\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\
    \x20\x1c\x00\x00\x00\x00\x00\x00\
    DIMM 1\0\0";

/// 0 to 8 GiB of the array, in KiB.
const RANGE_ARRAY: &[u8] = b"\x13\x0f\x09\x00\x00\x00\x00\x00\xff\xff\x7f\x00\x05\x00\x01\0\0";

/// The module's range by the 64-bit fields, interleaved by two.
const RANGE_MODULE: &[u8] = b"\x14\x23\x0a\x00\xff\xff\xff\xff\xff\xff\xff\xff\
    \x06\x00\x09\x00\xff\x01\x02\
    \x00\x00\x00\x00\x01\x00\x00\x00\xff\xff\xff\xff\x02\x00\x00\x00\0\0";

/// 5650 × 10 mWh, 10800 mV, made in August 2014 (34 years, 8 months, day 1).
const BATTERY: &[u8] = b"\x16\x1a\x0b\x00\
    \x01\x02\x00\x00\x03\x06\x12\x16\x30\x2a\x00\xff\x34\x12\x01\x45\x00\x0a\x00\x00\x00\x00\
    Rear\0SANYO\x0045N1161\0\0";

const END: &[u8] = b"\x7f\x04\xff\xfe\0\0";

fn label(text: &str) -> Option<Label> {
    Some(Label {
        text: text.into(),
        generic: false,
    })
}

fn filler(text: &str) -> Option<Label> {
    Some(Label {
        text: text.into(),
        generic: true,
    })
}

fn laptop() -> Vec<u8> {
    [
        BIOS,
        SYSTEM,
        BOARD,
        CHASSIS,
        SOCKET,
        ARRAY,
        MODULE,
        SLOT_EMPTY,
        MODULE_LARGE,
        RANGE_ARRAY,
        RANGE_MODULE,
        BATTERY,
        END,
    ]
    .concat()
}

#[test]
fn laptop_gives_its_identity() {
    let smbios = parse(&ENTRY_3_2, &laptop());
    assert_eq!(smbios.oddities, [""; 0]);
    assert_eq!(smbios.version, Some(Version { major: 3, minor: 2 }));
    assert_eq!(
        smbios.bios,
        Some(Bios {
            vendor: label("LENOVO"),
            version: label("GLET90WW (2.44 )"),
            date: label("09/13/2017"),
            uefi_supported: Some(true),
        })
    );
    assert_eq!(
        smbios.system,
        Some(System {
            maker: label("LENOVO"),
            product: label("20AN006VMS"),
            version: label("ThinkPad T440p"),
            serial: label("PF00AA11"),
            uuid: label("00112233-4455-6677-8899-aabbccddeeff"),
            sku: label("LENOVO_MT_20AN"),
            family: label("ThinkPad T440p"),
        })
    );
    assert_eq!(
        smbios.board,
        Some(Board {
            maker: label("LENOVO"),
            product: label("20AN006VMS"),
            version: None,
            serial: filler("Default string"),
        })
    );
    let chassis = smbios.chassis.expect("type 3 is there");
    assert_eq!(chassis.kind, ChassisKind { code: 10 });
    assert_eq!(
        (chassis.kind.name(), chassis.kind.portable()),
        (Some("Notebook"), Some(true))
    );
    assert_eq!(chassis.asset_tag, filler("No Asset Information"));
}

#[test]
fn laptop_gives_its_processor_and_battery() {
    let smbios = parse(&ENTRY_3_2, &laptop());
    assert_eq!(
        smbios.sockets,
        [Socket {
            name: label("CPU Socket"),
            populated: Some(true),
            maker: label("Intel(R) Corporation"),
            version: label("Big CPU"),
            cores: Some(256),
            threads: Some(512),
            speed_max_mhz: Some(3200),
        }]
    );
    assert_eq!(
        smbios.batteries,
        [PortableBattery {
            location: label("Rear"),
            maker: label("SANYO"),
            name: label("45N1161"),
            serial: None,
            capacity_design_mwh: Some(56_500),
            voltage_design_mv: Some(10_800),
            made: Some((2014, 8)),
        }]
    );
}

#[test]
fn laptop_gives_its_slots() {
    let smbios = parse(&ENTRY_3_2, &laptop());
    assert_eq!(
        smbios.memory_arrays,
        [MemoryArray {
            handle: 5,
            main_memory: true,
            slots: Some(2),
            capacity_max_bytes: Some(16 << 30),
            corrects_errors: Some(false),
        }]
    );
    let [module, empty, large] = smbios.memory_devices.as_slice() else {
        panic!("three slots")
    };
    assert_eq!(module.array_handle, Some(5));
    assert_eq!(
        (module.populated, module.capacity_bytes),
        (Some(true), Some(8 << 30))
    );
    assert_eq!((module.kind, module.form), (Some("DDR3"), Some("SODIMM")));
    assert_eq!(
        (module.speed_mts, module.speed_configured_mts),
        (Some(1600), Some(1600))
    );
    assert_eq!(
        (&module.locator, &module.bank),
        (&label("ChannelA-DIMM0"), &label("BANK 0"))
    );
    assert_eq!(module.maker, label("Samsung"));
    assert_eq!(module.serial, label("0A1B2C3D"));
    assert_eq!(module.part, label("M471B1G73DB0-YK0"));

    assert_eq!((empty.populated, empty.capacity_bytes), (Some(false), None));
    assert_eq!(
        (empty.kind, empty.speed_mts, empty.speed_configured_mts),
        (None, None, None)
    );
    assert_eq!(empty.serial, filler("[Empty]"));

    assert_eq!(
        (large.populated, large.capacity_bytes),
        (Some(true), Some(48 << 30))
    );
    assert_eq!((large.kind, large.form), (Some("DDR5"), Some("DIMM")));
    assert_eq!(
        (large.speed_mts, large.speed_configured_mts),
        (Some(7200), Some(5600))
    );

    assert_eq!(
        smbios.memory_ranges,
        [
            MemoryRange {
                owner: RangeOwner::Array(5),
                first_byte: 0,
                last_byte: (8 << 30) - 1,
                interleave_depth: None,
            },
            MemoryRange {
                owner: RangeOwner::Module(6),
                first_byte: 1 << 32,
                last_byte: (3 << 32) - 1,
                interleave_depth: Some(2),
            },
        ]
    );
}

#[test]
fn old_firmware_writes_the_uuid_in_network_order() {
    let smbios = parse(&ENTRY_2_5, &[SYSTEM, END].concat());
    assert_eq!(smbios.version, Some(Version { major: 2, minor: 5 }));
    assert_eq!(smbios.oddities, [""; 0]);
    let uuid = smbios.system.expect("type 1 is there").uuid;
    assert_eq!(uuid, label("33221100-5544-7766-8899-aabbccddeeff"));
}

#[test]
fn uuid_without_a_version_is_left_out_and_said() {
    let smbios = parse(&[], &[SYSTEM, END].concat());
    assert_eq!(smbios.system.expect("type 1 is there").uuid, None);
    assert_eq!(smbios.oddities.len(), 2, "{:?}", smbios.oddities);
}

#[test]
fn shared_uuids_are_generic() {
    let ami = b"\x00\x02\x00\x03\x00\x04\x00\x05\x00\x06\x00\x07\x00\x08\x00\x09";
    for (bytes, text) in [
        (&[0; 16], "00000000-0000-0000-0000-000000000000"),
        (&[0xFF; 16], "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        (ami, "03000200-0400-0500-0006-000700080009"),
    ] {
        let mut table = SYSTEM.to_vec();
        table.splice(8..24, bytes.iter().copied());
        let uuid = parse(&ENTRY_3_2, &table)
            .system
            .expect("type 1 is there")
            .uuid;
        assert_eq!(uuid, filler(text));
    }
}

#[test]
fn fields_beyond_an_old_structure_are_absent() {
    // SMBIOS 2.0 type 1 has no UUID, no SKU, no family.
    let table = b"\x01\x08\x01\x00\x01\x02\x00\x00IBM\0PC 300\0\0";
    let system = parse(&ENTRY_2_5, table).system.expect("type 1 is there");
    assert_eq!(
        (system.maker, system.uuid, system.family),
        (label("IBM"), None, None)
    );
}

#[test]
fn broken_structure_ends_the_walk_and_keeps_what_came_before() {
    for broken in [
        &b"\x02\x03\x02\x00\0\0"[..],
        b"\x02\xff\x02\x00\0\0",
        b"\x02\x04",
    ] {
        let smbios = parse(&ENTRY_3_2, &[SYSTEM, broken].concat());
        assert!(smbios.system.is_some());
        assert_eq!(smbios.board, None);
        assert_eq!(smbios.oddities.len(), 1, "{:?}", smbios.oddities);
    }
}

#[test]
fn strings_without_an_end_are_read_and_said() {
    let table = SYSTEM.strip_suffix(b"\0\0").expect("it ends so");
    let smbios = parse(&ENTRY_3_2, table);
    assert_eq!(
        smbios.system.expect("type 1 is there").family,
        label("ThinkPad T440p")
    );
    assert_eq!(smbios.oddities.len(), 1);
}

#[test]
fn what_follows_the_end_of_table_is_ignored() {
    let smbios = parse(&ENTRY_3_2, &[END, SYSTEM].concat());
    assert_eq!(smbios.system, None);
    assert_eq!(smbios.oddities, [""; 0]);
}

#[test]
fn wrong_entry_checksum_is_said_and_the_version_stands() {
    let mut entry = ENTRY_3_2;
    entry[0x10] ^= 1;
    let smbios = parse(&entry, END);
    assert_eq!(smbios.version, Some(Version { major: 3, minor: 2 }));
    assert_eq!(smbios.oddities, ["entry point: checksum is wrong"]);
}

#[test]
fn reversed_memory_range_is_said() {
    let table = b"\x13\x0f\x09\x00\x00\x00\x00\x10\xff\xff\x00\x00\x05\x00\x01\0\0";
    let smbios = parse(&ENTRY_3_2, table);
    assert_eq!(smbios.memory_ranges, []);
    assert_eq!(smbios.oddities.len(), 1);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        entry in proptest::collection::vec(any::<u8>(), 0..40),
        table in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let _: Smbios = parse(&entry, &table);
    }

    #[test]
    fn damaged_laptop_never_panics(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        length in any::<prop::sample::Index>(),
    ) {
        let mut table = laptop();
        for (at, value) in damage {
            let at = at.index(table.len());
            table[at] = value;
        }
        table.truncate(length.index(table.len()) + 1);
        let _: Smbios = parse(&ENTRY_3_2, &table);
    }
}

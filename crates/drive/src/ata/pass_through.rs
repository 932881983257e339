//! The envelope of every ATA command here: SAT ATA PASS-THROUGH(16), opcode 85h. SAT-4 12.2.2.
//!
//! PASS-THROUGH(12), opcode A1h, is deliberately absent: optical drives and some USB bridges take
//! it for MMC BLANK.

/// An ATA PASS-THROUGH(16) command block.
pub type Cdb = [u8; 16];

/// SAT PROTOCOL field, for those that are used. Data is one 512-byte page.
#[derive(Clone, Copy)]
pub(super) enum Protocol {
    NonData = 3,
    PioIn = 4,
    PioOut = 5,
}

/// What goes into the drive's registers.
pub(super) struct Registers {
    pub protocol: Protocol,
    /// The 48-bit form: the high halves of the registers are written too.
    pub extend: bool,
    pub feature: u16,
    /// COUNT register; with data it is the length in pages, which is 1.
    pub count: u16,
    /// LBA 47:0; a 28-bit command has LBA 27:24 in `device`.
    pub lba: u64,
    pub device: u8,
    pub command: u8,
}

/// A 28-bit command without parameters.
pub(super) const PLAIN: Registers = Registers {
    protocol: Protocol::NonData,
    extend: false,
    feature: 0,
    count: 0,
    lba: 0,
    device: 0,
    command: 0,
};

/// A 48-bit command without parameters.
pub(super) const PLAIN_EXT: Registers = Registers {
    extend: true,
    device: DEVICE_LBA,
    ..PLAIN
};

/// DEVICE register with the LBA bit, which the 48-bit and max-address commands want.
pub(super) const DEVICE_LBA: u8 = 0x40;

impl Registers {
    pub fn cdb(&self) -> Cdb {
        // Without data-in: CK_COND, because the answer *is* the registers. With data: T_DIR from or
        // to the drive, BYT_BLOK in blocks, T_LENGTH in the COUNT register.
        let flags = match self.protocol {
            Protocol::NonData => 0x20,
            Protocol::PioIn => 0x0E,
            Protocol::PioOut => 0x26,
        };
        let [feature_high, feature_low] = self.feature.to_be_bytes();
        let [count_high, count_low] = self.count.to_be_bytes();
        let [
            _,
            _,
            lba_47_40,
            lba_39_32,
            lba_31_24,
            lba_23_16,
            lba_15_8,
            lba_7_0,
        ] = self.lba.to_be_bytes();
        [
            0x85,
            (self.protocol as u8) << 1 | u8::from(self.extend),
            flags,
            feature_high,
            feature_low,
            count_high,
            count_low,
            lba_31_24,
            lba_7_0,
            lba_39_32,
            lba_15_8,
            lba_47_40,
            lba_23_16,
            self.device,
            self.command,
            0,
        ]
    }
}

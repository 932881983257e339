//! IDENTIFY DEVICE data, ACS-4 7.13, words by number.
//!
//! A word that the drive did not validate is `None`, not zero. Counts are sectors, never last LBAs.
//! IDENTIFY PACKET DEVICE (optical drives) is not parsed.

use crate::bytes::{bit, is_one_byte_repeated, is_plain_text, text};

/// What a drive says of itself in IDENTIFY DEVICE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identify {
    /// Whether this can be an ATA drive's answer at all: word 0, a sector count, a model or a
    /// serial, no wrong checksum. Bridges that swallow the command leave zeros.
    pub is_answer: bool,
    /// Words 10-19, trimmed.
    pub serial: Option<String>,
    /// Words 23-26, trimmed.
    pub firmware: Option<String>,
    /// Words 27-46, trimmed.
    pub model: Option<String>,
    /// Words 108-111, when the drive validates them.
    pub wwn: Option<u64>,
    /// Sectors by the widest field that the drive validates: 230-233, 100-103 or 60-61.
    pub sectors: u64,
    /// Words 60-61: sectors for 28-bit commands, at most 0FFFFFFFh.
    pub sectors_28: u32,
    /// Words 100-103, with the 48-bit feature set.
    pub sectors_48: Option<u64>,
    /// Logical sector size in bytes, 512 unless words 106 and 117-118 say otherwise.
    pub logical_sector_bytes: u32,
    /// Physical sector size in bytes.
    pub physical_sector_bytes: u32,
    /// Word 209: logical sectors by which LBA 0 is offset in its physical sector.
    pub alignment_sectors: Option<u16>,
    /// Word 217.
    pub rotation: Rotation,
    /// Word 48 b0: the trusted computing feature set (TRUSTED SEND and RECEIVE). Without the word's own
    /// b15:14 = 01 it means something else in drives of before ATA8.
    pub trusted_computing: bool,
    /// Word 128.
    pub security: SecurityWord,
    /// Word 89: time of a normal SECURITY ERASE UNIT.
    pub erase_time_normal: EraseTime,
    /// Word 90: time of an enhanced SECURITY ERASE UNIT.
    pub erase_time_enhanced: EraseTime,
    /// Word 92: master password identifier, FFFEh from the factory; `None` when 0 or FFFFh.
    pub master_password_id: Option<u16>,
    /// Word 59, when its b12 says that the drive knows sanitize at all.
    pub sanitize: Option<SanitizeSupport>,
    /// Words 82 and 85, b0.
    pub smart: Feature,
    /// Words 82 and 85, b5: volatile write cache.
    pub write_cache: Feature,
    /// Words 82 and 85, b10: Host Protected Area.
    pub hpa: Feature,
    /// Words 83 and 86, b11: Device Configuration Overlay.
    pub dco: Feature,
    /// Words 83 and 86, b10: 48-bit addresses.
    pub lba48: Feature,
    /// Words 119 and 120, b8: Accessible Max Address.
    pub amac: Feature,
    /// Words 84 and 87, b5: general purpose logging (READ LOG EXT).
    pub general_purpose_logging: Feature,
    /// Word 169 b0: DATA SET MANAGEMENT with TRIM.
    pub trim: bool,
    /// Word 69 b14: reads after TRIM are deterministic.
    pub deterministic_after_trim: bool,
    /// Word 69 b5: reads after TRIM give zeros: they prove no erasure.
    pub zeros_after_trim: bool,
    /// Word 69 b4: the drive encrypts all user data.
    pub encrypts_all: bool,
    /// Word 69 b1:0.
    pub zoned: ZonedWord,
    /// Hybrid Information (word 78 b9, SATA 3.2) or an NV cache (words 214 to 216, ACS-2), or a model
    /// that is known for one: the first of them told nothing.
    pub flash_cache: bool,
    /// Word 255.
    pub checksum: Checksum,
    /// What was odd, in words.
    pub oddities: Vec<String>,
}

/// A feature set: whether it exists, and whether it is on. `None`: the words are not validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Feature {
    /// The drive has it.
    pub supported: Option<bool>,
    /// It is enabled now.
    pub enabled: Option<bool>,
}

/// Word 217, nominal media rotation rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// 0000h or a reserved value.
    Unknown,
    /// 0001h.
    SolidState,
    /// 0401h to FFFEh, revolutions per minute.
    Rpm(u16),
}

/// Word 128, security status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SecurityWord {
    /// The word as it came.
    pub raw: u16,
    /// b0: the security feature set exists.
    pub supported: bool,
    /// b1: a user password is set.
    pub enabled: bool,
    /// b2: media access is locked.
    pub locked: bool,
    /// b3: frozen until the next power cycle.
    pub frozen: bool,
    /// b4: password attempts are used up until the next power cycle.
    pub attempts_expired: bool,
    /// b5: enhanced SECURITY ERASE UNIT exists.
    pub enhanced_erase: bool,
    /// b8: master password capability is Maximum, not High.
    pub level_maximum: bool,
}

/// Words 89 and 90.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EraseTime {
    /// 0: not said.
    Unspecified,
    /// About this many minutes.
    Minutes(u32),
    /// More than this many minutes: the largest value of the field.
    MoreThanMinutes(u32),
}

/// Word 59 of a drive with the sanitize feature set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SanitizeSupport {
    /// b15: BLOCK ERASE EXT.
    pub block_erase: bool,
    /// b14: OVERWRITE EXT.
    pub overwrite: bool,
    /// b13: CRYPTO SCRAMBLE EXT.
    pub crypto_scramble: bool,
    /// b10: SANITIZE ANTIFREEZE LOCK EXT.
    pub antifreeze_lock: bool,
}

/// Word 69 b1:0, ZONED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZonedWord {
    /// 0: not said.
    NotReported,
    /// 1: host aware.
    HostAware,
    /// 2: device managed.
    DeviceManaged,
    /// 3: reserved.
    Reserved,
}

/// Word 255, integrity word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// Signature A5h and a sum of zero.
    Valid,
    /// No signature: drives before ATA-5, and many bridges.
    Absent,
    /// Signature A5h, but the sum is wrong.
    Wrong,
}

impl Identify {
    /// Parses the 512 bytes. A short answer is padded with zeros and named among the oddities.
    #[must_use]
    pub fn parse(data: &[u8]) -> Self {
        let words = Words::new(data);
        let mut oddities = answer_oddities(data, &words);
        let w = |n| words.get(n);

        let serial = words.text(10..20, "serial", &mut oddities);
        let firmware = words.text(23..27, "firmware", &mut oddities);
        let model = words.text(27..47, "model", &mut oddities);
        if serial.is_none() {
            oddities.push("IDENTIFY: no serial number".into());
        }

        // Word 83 validates 82, word 87 validates 85 and 86.
        let set_2 = words.valid(83);
        let supported = |word: usize, b| set_2.is_some().then(|| bit(w(word), b));
        let on = words.valid(87);
        let enabled = |word: usize, b| on.is_some().then(|| bit(w(word), b));
        let feature = |s: usize, e: usize, b| Feature {
            supported: supported(s, b),
            enabled: enabled(e, b),
        };

        let lba48 = feature(83, 86, 10);
        let word_69 = if bit(w(53), 1) { w(69) } else { 0 };
        let sectors_28 = u32::from(w(61)) << 16 | u32::from(w(60));
        let sectors_48 = (lba48.supported == Some(true)).then(|| words.quad(100));
        let extended = bit(word_69, 3).then(|| words.quad(230)).filter(|n| *n > 0);
        let sectors = extended
            .or(sectors_48.filter(|n| *n > 0))
            .unwrap_or(u64::from(sectors_28));
        sector_oddities(sectors, sectors_28, sectors_48, &mut oddities);

        let (logical_sector_bytes, physical_sector_bytes) = sector_sizes(&words, &mut oddities);
        let security = SecurityWord::decode(w(128), &mut oddities);
        let checksum = Checksum::of(data);
        let flash_cache = says_flash_cache(&words) || model.as_deref().is_some_and(is_hybrid);
        let is_answer = !bit(w(0), 15)
            && !is_one_byte_repeated(data)
            && sectors > 0
            && (model.is_some() || serial.is_some())
            && checksum != Checksum::Wrong;
        Self {
            is_answer,
            serial,
            firmware,
            model,
            wwn: wwn(&words, &mut oddities),
            sectors,
            sectors_28,
            sectors_48,
            logical_sector_bytes,
            physical_sector_bytes,
            alignment_sectors: words.valid(209).map(|word| word & 0x3FFF),
            rotation: rotation(w(217), &mut oddities),
            trusted_computing: words.valid(48).is_some_and(|word| bit(word, 0)),
            security,
            erase_time_normal: EraseTime::decode(w(89)),
            erase_time_enhanced: EraseTime::decode(w(90)),
            master_password_id: Some(w(92)).filter(|id| !matches!(id, 0 | 0xFFFF)),
            sanitize: sanitize(w(59)),
            smart: feature(82, 85, 0),
            write_cache: feature(82, 85, 5),
            hpa: feature(82, 85, 10),
            dco: feature(83, 86, 11),
            lba48,
            amac: Feature {
                supported: words.supplement(119).map(|word| bit(word, 8)),
                enabled: words.supplement(120).map(|word| bit(word, 8)),
            },
            general_purpose_logging: Feature {
                supported: words.valid(84).map(|word| bit(word, 5)),
                enabled: on.map(|word| bit(word, 5)),
            },
            trim: bit(w(169), 0),
            deterministic_after_trim: bit(word_69, 14),
            zeros_after_trim: bit(word_69, 14) && bit(word_69, 5),
            encrypts_all: bit(word_69, 4),
            zoned: match word_69 & 3 {
                0 => ZonedWord::NotReported,
                1 => ZonedWord::HostAware,
                2 => ZonedWord::DeviceManaged,
                _ => ZonedWord::Reserved,
            },
            flash_cache,
            checksum,
            oddities,
        }
    }

    /// Addressable capacity: sectors times logical sector size; `None` on overflow.
    #[must_use]
    pub fn capacity_bytes(&self) -> Option<u64> {
        self.sectors
            .checked_mul(u64::from(self.logical_sector_bytes))
    }
}

fn says_flash_cache(words: &Words) -> bool {
    let word_78 = Some(words.get(78)).filter(|word| !matches!(word, 0 | 0xFFFF));
    let nv_cache = [214, 215, 216].map(|n| words.get(n));
    word_78.is_some_and(|word| bit(word, 9))
        || nv_cache.iter().any(|word| !matches!(word, 0 | 0xFFFF))
}

/// Momentus XT, the laptop and desktop SSHD and the FireCuda of Seagate, and whatever calls itself so.
fn is_hybrid(model: &str) -> bool {
    const EXACT: [&str; 4] = ["ST95005620AS", "ST500LM000", "ST1000LM014", "ST500LM020"];
    let head = model.split([' ', '-']).next().unwrap_or(model);
    let series = head.starts_with("ST") && (head.contains("LX0") || head.contains("DX0"));
    let says = model.to_ascii_uppercase();
    EXACT.contains(&head) || series || says.contains("SSHD") || says.contains("HYBRID")
}

/// The 256 words; what the answer lacks is 0.
struct Words([u16; 256]);

impl Words {
    fn new(data: &[u8]) -> Self {
        let mut words = [0; 256];
        for (word, pair) in words.iter_mut().zip(data.chunks_exact(2)) {
            if let [low, high] = pair {
                *word = u16::from_le_bytes([*low, *high]);
            }
        }
        Self(words)
    }

    fn get(&self, n: usize) -> u16 {
        self.0.get(n).copied().unwrap_or(0)
    }

    /// A word that counts only with bits 15:14 = 01.
    fn valid(&self, n: usize) -> Option<u16> {
        Some(self.get(n)).filter(|word| word >> 14 == 0b01)
    }

    /// Words 119 and 120, which moreover count only when word 86 (validated by 87) has b15.
    fn supplement(&self, n: usize) -> Option<u16> {
        self.valid(87)?;
        self.valid(n).filter(|_| bit(self.get(86), 15))
    }

    /// A 64-bit number in four words, low word first.
    fn quad(&self, n: usize) -> u64 {
        (0..4)
            .rev()
            .fold(0, |value, i| value << 16 | u64::from(self.get(n + i)))
    }

    /// ATA strings hold the first character in the high byte of each word.
    fn text(
        &self,
        range: std::ops::Range<usize>,
        what: &str,
        oddities: &mut Vec<String>,
    ) -> Option<String> {
        let field: Vec<u8> = range.flat_map(|n| self.get(n).to_be_bytes()).collect();
        if !is_plain_text(&field) {
            oddities.push(format!("IDENTIFY: unprintable characters in {what}"));
        }
        text(&field)
    }
}

impl Checksum {
    fn of(data: &[u8]) -> Self {
        let Some(data) = data.get(..512) else {
            return Self::Absent;
        };
        if data.get(510) != Some(&0xA5) {
            Self::Absent
        } else if data.iter().fold(0u8, |sum, b| sum.wrapping_add(*b)) == 0 {
            Self::Valid
        } else {
            Self::Wrong
        }
    }
}

impl EraseTime {
    fn decode(word: u16) -> Self {
        let (units, largest) = if bit(word, 15) {
            (word & 0x7FFF, 0x7FFF)
        } else {
            (word & 0x00FF, 0x00FF)
        };
        // The largest value means "more than the one before it".
        match units {
            0 => Self::Unspecified,
            units if units == largest => Self::MoreThanMinutes((u32::from(units) - 1) * 2),
            units => Self::Minutes(u32::from(units) * 2),
        }
    }
}

impl SecurityWord {
    fn decode(raw: u16, oddities: &mut Vec<String>) -> Self {
        let word = Self {
            raw,
            supported: bit(raw, 0),
            enabled: bit(raw, 1),
            locked: bit(raw, 2),
            frozen: bit(raw, 3),
            attempts_expired: bit(raw, 4),
            enhanced_erase: bit(raw, 5),
            level_maximum: bit(raw, 8),
        };
        if word.locked && !word.enabled {
            oddities.push("IDENTIFY: locked, but security is not enabled".into());
        }
        if !word.supported && (word.enabled || word.locked || word.frozen) {
            oddities.push("IDENTIFY: security state without the security feature set".into());
        }
        word
    }
}

fn sanitize(word_59: u16) -> Option<SanitizeSupport> {
    bit(word_59, 12).then(|| SanitizeSupport {
        block_erase: bit(word_59, 15),
        overwrite: bit(word_59, 14),
        crypto_scramble: bit(word_59, 13),
        antifreeze_lock: bit(word_59, 10),
    })
}

fn rotation(word_217: u16, oddities: &mut Vec<String>) -> Rotation {
    match word_217 {
        0 => Rotation::Unknown,
        1 => Rotation::SolidState,
        rpm @ 0x0401..=0xFFFE => Rotation::Rpm(rpm),
        reserved => {
            oddities.push(format!("IDENTIFY: reserved rotation rate {reserved:04X}h"));
            Rotation::Unknown
        }
    }
}

fn wwn(words: &Words, oddities: &mut Vec<String>) -> Option<u64> {
    let said = |n| words.valid(n).is_some_and(|word| bit(word, 8));
    if !said(84) && !said(87) {
        return None;
    }
    // Unlike every other number here, the first word is the highest.
    let wwn = (108..112).fold(0u64, |value, n| value << 16 | u64::from(words.get(n)));
    if wwn == 0 || wwn == u64::MAX {
        oddities.push("IDENTIFY: world wide name announced, but empty".into());
        return None;
    }
    if wwn >> 60 != 5 {
        oddities.push(format!("IDENTIFY: world wide name {wwn:016x} is not NAA 5"));
    }
    Some(wwn)
}

/// Logical and physical sector size in bytes, words 106 and 117-118.
fn sector_sizes(words: &Words, oddities: &mut Vec<String>) -> (u32, u32) {
    let word_106 = words.valid(106).unwrap_or(0);
    let mut logical: u32 = 512;
    if bit(word_106, 12) {
        let size_words = u32::from(words.get(118)) << 16 | u32::from(words.get(117));
        match size_words.checked_mul(2) {
            Some(bytes) if (512..=65536).contains(&bytes) => logical = bytes,
            Some(_) | None => {
                oddities.push(format!(
                    "IDENTIFY: implausible logical sector of {size_words} words"
                ));
            }
        }
    }
    let exponent = if bit(word_106, 13) {
        word_106 & 0x0F
    } else {
        0
    };
    // At most 65536 * 2^15 = 2^31.
    (logical, logical << exponent)
}

fn sector_oddities(
    sectors: u64,
    sectors_28: u32,
    sectors_48: Option<u64>,
    oddities: &mut Vec<String>,
) {
    if sectors == 0 {
        oddities.push("IDENTIFY: no sectors".into());
    }
    if sectors_28 > 0x0FFF_FFFF {
        oddities.push(format!("IDENTIFY: {sectors_28} sectors in a 28-bit field"));
    }
    match sectors_48 {
        Some(0) => oddities.push("IDENTIFY: 48-bit addresses, but no 48-bit sector count".into()),
        Some(n) if n >> 48 != 0 => {
            oddities.push(format!("IDENTIFY: {n} sectors in a 48-bit field"))
        }
        Some(n) if n < u64::from(sectors_28) => {
            oddities.push(format!(
                "IDENTIFY: {n} sectors by 48-bit, but {sectors_28} by 28-bit"
            ));
        }
        Some(_) | None => {}
    }
}

fn answer_oddities(data: &[u8], words: &Words) -> Vec<String> {
    let mut oddities = Vec::new();
    if data.len() < super::command::PAGE_BYTES {
        oddities.push(format!("IDENTIFY: {} bytes instead of 512", data.len()));
    } else if is_one_byte_repeated(data) {
        oddities.push("IDENTIFY: one byte repeated, no answer".into());
    }
    if bit(words.get(0), 15) {
        oddities.push("IDENTIFY: word 0 is not that of an ATA device".into());
    }
    match Checksum::of(data) {
        Checksum::Wrong => oddities.push("IDENTIFY: wrong checksum".into()),
        Checksum::Valid | Checksum::Absent => {}
    }
    oddities
}

#[cfg(test)]
#[path = "identify_tests.rs"]
mod tests;

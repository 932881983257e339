//! Whether an ATA drive has more sectors than can be addressed, from all answers together.
//!
//! Pure: the questions are asked elsewhere. One refused question leaves the whole unknown, because
//! *unknown is not clean*; one answer that shows more sectors is enough to call them hidden. ACS-4
//! for HPA (its predecessor's feature set), AMAC and DCO; `discover::kernel_log` for areas that the
//! kernel opened.

use super::kernel_log::HpaLine;
use crate::facts::HiddenCapacity;

/// The answer to one question about the native capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The drive counts this many sectors: last native LBA plus one.
    Sectors(u64),
    /// Neither IDENTIFY DEVICE nor the drive's refusal leaves room for the feature.
    NotSupported,
    /// No answer that counts, and why.
    Unknown(String),
}

/// All that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// Bytes that the kernel addresses.
    pub kernel_bytes: u64,
    /// Logical sector size that IDENTIFY DEVICE gives, in bytes.
    pub sector_bytes: u32,
    /// IDENTIFY DEVICE, words 100-103 or 60-61.
    pub identify_sectors: u64,
    /// Name of the native max command used, and its answer.
    pub native_max: (&'static str, Answer),
    /// GET NATIVE MAX ADDRESS EXT.
    pub accessible_max: Answer,
    /// DEVICE CONFIGURATION IDENTIFY, words 3-6.
    pub configuration: Answer,
    /// The kernel's word on a host protected area.
    pub log: Option<HpaLine>,
}

/// The verdict of all answers.
pub fn decide(answers: &Answers) -> HiddenCapacity {
    let sector_bytes = u64::from(answers.sector_bytes);
    let identify = answers.identify_sectors;
    let kernel_sectors = answers.kernel_bytes.checked_div(sector_bytes).unwrap_or(0);
    let mut evidence = vec![
        format!("the kernel addresses {kernel_sectors} sectors of {sector_bytes} bytes"),
        format!("IDENTIFY DEVICE {identify}"),
    ];
    let mut unknown = Vec::new();
    let mut most = identify;
    let (native_name, native) = &answers.native_max;
    let asked = [
        (*native_name, native),
        ("GET NATIVE MAX ADDRESS EXT", &answers.accessible_max),
        ("DEVICE CONFIGURATION IDENTIFY", &answers.configuration),
    ];
    for (command, answer) in asked {
        match answer {
            Answer::Sectors(sectors) if *sectors < identify => {
                unknown.push(format!(
                    "{command} answers {sectors} sectors, fewer than IDENTIFY DEVICE"
                ));
            }
            Answer::Sectors(sectors) => {
                most = most.max(*sectors);
                evidence.push(format!("{command} {sectors}"));
            }
            Answer::NotSupported => evidence.push(format!("{command} not supported")),
            Answer::Unknown(reason) => unknown.push(format!("{command}: {reason}")),
        }
    }
    if kernel_sectors == 0 {
        unknown.push("no capacity to compare with".into());
    } else if identify < kernel_sectors {
        unknown.push("IDENTIFY DEVICE gives fewer sectors than the kernel addresses".into());
    }
    if let Some(line) = &answers.log
        && line.unlocked_sectors.is_none()
        && line.current_sectors == identify
    {
        most = most.max(line.native_sectors);
        evidence.push(format!("kernel log: {}", line.text));
    }
    let opened = answers.log.as_ref().and_then(|line| {
        let unlocked = line.unlocked_sectors?;
        // Another drive may have been on the port when the line was written.
        let same_drive = unlocked == identify && unlocked > line.current_sectors;
        same_drive.then(|| {
            (
                unlocked.saturating_sub(line.current_sectors),
                line.text.clone(),
            )
        })
    });
    if let Some((_, text)) = &opened {
        evidence.push(format!("kernel log: {text}"));
    }
    evidence.extend(unknown.iter().map(|reason| format!("unknown: {reason}")));
    let evidence = evidence.join("; ");
    let hidden_bytes = most
        .saturating_sub(kernel_sectors)
        .saturating_mul(sector_bytes);
    if kernel_sectors > 0 && hidden_bytes > 0 {
        return HiddenCapacity::Hidden {
            bytes: hidden_bytes,
            evidence,
        };
    }
    if let Some((sectors, _)) = opened {
        let bytes = sectors.saturating_mul(sector_bytes);
        return HiddenCapacity::OpenedForThisBoot { bytes, evidence };
    }
    if unknown.is_empty() {
        HiddenCapacity::None { evidence }
    } else {
        HiddenCapacity::Unknown {
            reason: unknown.join("; "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Answers, decide};
    use crate::discover::kernel_log::HpaLine;
    use crate::facts::HiddenCapacity;

    fn clean() -> Answers {
        Answers {
            kernel_bytes: 1000 * 512,
            sector_bytes: 512,
            identify_sectors: 1000,
            native_max: ("READ NATIVE MAX ADDRESS EXT", Answer::Sectors(1000)),
            accessible_max: Answer::NotSupported,
            configuration: Answer::Sectors(1000),
            log: None,
        }
    }

    fn unlocked(from: u64, to: u64) -> Option<HpaLine> {
        Some(HpaLine {
            current_sectors: from,
            native_sectors: to,
            unlocked_sectors: Some(to),
            text: format!("ata1.00: HPA unlocked: {from} -> {to}, native {to}"),
        })
    }

    #[test]
    fn all_answers_agreeing_is_clean_and_names_the_commands() {
        let HiddenCapacity::None { evidence } = decide(&clean()) else {
            panic!("not clean");
        };
        assert!(
            evidence.contains("READ NATIVE MAX ADDRESS EXT 1000"),
            "{evidence}"
        );
        assert!(
            evidence.contains("DEVICE CONFIGURATION IDENTIFY 1000"),
            "{evidence}"
        );
    }

    #[test]
    fn hpa_of_one_sector_is_hidden() {
        let answers = Answers {
            native_max: ("READ NATIVE MAX ADDRESS EXT", Answer::Sectors(1001)),
            ..clean()
        };
        assert!(matches!(
            decide(&answers),
            HiddenCapacity::Hidden { bytes: 512, .. }
        ));
    }

    #[test]
    fn dco_and_amac_are_hidden_too_and_the_largest_counts() {
        let answers = Answers {
            accessible_max: Answer::Sectors(1010),
            configuration: Answer::Sectors(1020),
            ..clean()
        };
        assert!(matches!(
            decide(&answers),
            HiddenCapacity::Hidden { bytes: 10_240, .. }
        ));
    }

    #[test]
    fn one_refused_question_leaves_it_unknown() {
        let answers = Answers {
            configuration: Answer::Unknown("aborted".into()),
            ..clean()
        };
        let HiddenCapacity::Unknown { reason } = decide(&answers) else {
            panic!("not unknown");
        };
        assert_eq!(reason, "DEVICE CONFIGURATION IDENTIFY: aborted");
    }

    #[test]
    fn native_max_below_identify_is_no_answer() {
        let answers = Answers {
            native_max: ("READ NATIVE MAX ADDRESS", Answer::Sectors(999)),
            ..clean()
        };
        assert!(matches!(decide(&answers), HiddenCapacity::Unknown { .. }));
    }

    #[test]
    fn bridge_that_keeps_the_tail_hides_it() {
        let answers = Answers {
            kernel_bytes: 990 * 512,
            ..clean()
        };
        assert!(matches!(
            decide(&answers),
            HiddenCapacity::Hidden { bytes: 5120, .. }
        ));
    }

    #[test]
    fn hpa_opened_by_the_kernel_is_said_even_when_all_agree() {
        let answers = Answers {
            log: unlocked(900, 1000),
            ..clean()
        };
        let HiddenCapacity::OpenedForThisBoot { bytes, evidence } = decide(&answers) else {
            panic!("not opened");
        };
        assert_eq!(bytes, 51_200);
        assert!(
            evidence.contains("ata1.00: HPA unlocked: 900 -> 1000"),
            "{evidence}"
        );
    }

    #[test]
    fn log_line_of_an_earlier_drive_on_the_port_does_not_count() {
        let answers = Answers {
            log: unlocked(900, 2000),
            ..clean()
        };
        assert!(matches!(decide(&answers), HiddenCapacity::None { .. }));
    }

    #[test]
    fn no_sector_size_is_unknown_not_a_division() {
        let answers = Answers {
            sector_bytes: 0,
            ..clean()
        };
        assert!(matches!(decide(&answers), HiddenCapacity::Unknown { .. }));
    }
}

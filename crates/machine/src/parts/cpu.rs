//! Processors by `/proc/cpuinfo` (x86 layout, Linux `arch/x86/kernel/cpu/proc.c`).
//!
//! Read by ourselves and not through a library, since a library reads the running machine only.

use crate::roots::Reader;
use crate::text::printable;
use std::collections::BTreeSet;

/// One processor package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// The kernel's package number (`physical id`).
    pub package: u32,
    /// Brand string.
    pub model: Option<String>,
    /// `GenuineIntel`, `AuthenticAMD`, …
    pub vendor: Option<String>,
    /// CPUID family, model and stepping.
    pub signature: Option<(u32, u32, u32)>,
    /// Physical cores; absent when the kernel shows no topology.
    pub cores: Option<u32>,
    /// Hardware threads.
    pub threads: u32,
    /// Instructions that decide something here. Absent when no flags line was seen.
    pub features: Option<CpuFeatures>,
}

/// Instruction sets, named as in the `flags` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuFeatures {
    /// `lm`: 64-bit.
    pub long_mode: bool,
    /// `aes`.
    pub aes: bool,
    /// `sse4_2`: Windows 11 24H2 does not start without it.
    pub sse4_2: bool,
    /// `popcnt`: the same.
    pub popcnt: bool,
    /// `hypervisor`: this is a virtual machine.
    pub hypervisor: bool,
}

/// Packages in the order of their numbers.
pub(crate) fn read(reader: &mut Reader) -> Vec<Cpu> {
    let Some(text) = reader.proc_text("cpuinfo") else {
        return Vec::new();
    };
    let cpus = parse(&text);
    if cpus.is_empty() {
        reader.odd("cpuinfo: no processor in it");
    }
    cpus
}

/// Packages from the text of `/proc/cpuinfo`.
#[must_use]
pub fn parse(cpuinfo: &str) -> Vec<Cpu> {
    let mut cpus: Vec<(Cpu, BTreeSet<u32>)> = Vec::new();
    for block in cpuinfo.split("\n\n") {
        let field = |name: &str| {
            block.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                (key.trim() == name)
                    .then(|| value.trim())
                    .filter(|value| !value.is_empty())
            })
        };
        let number = |name: &str| field(name)?.parse::<u32>().ok();
        if field("processor").is_none() {
            continue;
        }
        let package = number("physical id").unwrap_or(0);
        let known = cpus.iter().position(|(cpu, _)| cpu.package == package);
        let index = known.unwrap_or_else(|| {
            let cpu = Cpu {
                package,
                model: field("model name").map(|text| printable(text.as_bytes())),
                vendor: field("vendor_id").map(|text| printable(text.as_bytes())),
                signature: number("cpu family")
                    .zip(number("model"))
                    .zip(number("stepping"))
                    .map(|((family, model), stepping)| (family, model, stepping)),
                cores: number("cpu cores").filter(|cores| *cores != 0),
                threads: 0,
                features: field("flags").map(features),
            };
            cpus.push((cpu, BTreeSet::new()));
            cpus.len() - 1
        });
        if let Some((cpu, cores)) = cpus.get_mut(index) {
            cpu.threads += 1;
            cores.extend(number("core id"));
        }
    }
    // Cores are counted where each has a number; "cpu cores" is what is left where none has.
    let mut cpus: Vec<Cpu> = cpus
        .into_iter()
        .map(|(mut cpu, cores)| {
            let counted = u32::try_from(cores.len()).ok().filter(|count| *count != 0);
            cpu.cores = counted.or(cpu.cores);
            cpu
        })
        .collect();
    cpus.sort_by_key(|cpu| cpu.package);
    cpus
}

fn features(flags: &str) -> CpuFeatures {
    let has = |name: &str| flags.split_whitespace().any(|flag| flag == name);
    CpuFeatures {
        long_mode: has("lm"),
        aes: has("aes"),
        sse4_2: has("sse4_2"),
        popcnt: has("popcnt"),
        hypervisor: has("hypervisor"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_one_core_are_counted_once() {
        let block = |processor: u32, core: u32| {
            format!(
                "processor\t: {processor}\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 60\n\
                 model name\t: Intel(R) Core(TM) i5-4300M CPU @ 2.60GHz\nstepping\t: 3\n\
                 physical id\t: 0\nsiblings\t: 4\ncore id\t\t: {core}\ncpu cores\t: 2\n\
                 flags\t\t: fpu lm aes sse4_2 popcnt\n\n"
            )
        };
        let text: String = [(0, 0), (1, 0), (2, 1), (3, 1)]
            .map(|(p, c)| block(p, c))
            .concat();
        assert_eq!(
            parse(&text),
            [Cpu {
                package: 0,
                model: Some("Intel(R) Core(TM) i5-4300M CPU @ 2.60GHz".into()),
                vendor: Some("GenuineIntel".into()),
                signature: Some((6, 60, 3)),
                cores: Some(2),
                threads: 4,
                features: Some(CpuFeatures {
                    long_mode: true,
                    aes: true,
                    sse4_2: true,
                    popcnt: true,
                    hypervisor: false,
                }),
            }]
        );
    }

    #[test]
    fn two_packages_are_two_processors_and_missing_topology_is_not_invented() {
        let text = "processor: 0\nphysical id: 1\n\nprocessor: 1\nphysical id: 0\n";
        let cpus = parse(text);
        assert_eq!(
            cpus.iter().map(|cpu| cpu.package).collect::<Vec<_>>(),
            [0, 1]
        );
        assert!(
            cpus.iter()
                .all(|cpu| cpu.cores.is_none() && cpu.features.is_none())
        );
    }
}

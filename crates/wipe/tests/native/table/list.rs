//! The traps in words of our own, and what is known of each beside the runs.

/// What is known without a run: how it is simulated, what becomes of it, what the certificate says.
pub struct Known {
    pub texts: [&'static str; 3],
}

const fn known(
    simulated: &'static str,
    outcome: &'static str,
    certificate: &'static str,
) -> Option<Known> {
    Some(Known {
        texts: [simulated, outcome, certificate],
    })
}

/// Number, name, and what is known; `None` where runs say all of it.
#[rustfmt::skip]
pub fn traps() -> Vec<(u8, &'static str, Option<Known>)> {
    vec![
        (1, "Success of years ago: the status of an earlier sanitize stays, the new command was swallowed", None),
        (2, "Exit status of a tool believed", known(
            "not simulated: raz runs no other program",
            "status bytes are decoded by raz itself; what does not decode is unknown",
            "–",
        )),
        (3, "Format of one namespace only, or without secure erase", None),
        (4, "Capacity hidden: HPA, DCO, AMAC, short SCSI capacity", known(
            "`sim::ata`, `sim::scsi`; `hpa_of_one_sector_is_hidden_capacity`",
            "restored before the first write (`hidden_sectors_of_honest_drives_are_open_and_stay_so_when_the_power_goes`); where the drive refuses, the plan is below Clear; not answered: unknown",
            "restored for good, hidden bytes, or unknown",
        )),
        (5, "DCO hides that there are SECURITY or HPA", known(
            "`sim::ata`, `Configured`",
            "an oddity where DCO IDENTIFY says more than IDENTIFY",
            "the oddity",
        )),
        (6, "Last address taken for a count: one sector stays hidden", known(
            "`sim::ata`, `native_max_is_count`; `hpa_of_one_sector_is_hidden_capacity`",
            "the sector is found as hidden, and restored; a native maximum that is a count restores nothing (`native_maximum_that_is_a_count_restores_nothing`)",
            "restored for good, or hidden bytes",
        )),
        (7, "Replaced sectors keep what was in them", known(
            "reallocated cells in every simulated disk",
            "overwriting is Clear, never Purge; replaced sectors are named where the drive counts them",
            "Clear, with what is not reached",
        )),
        (8, "Sectors that cannot be written are skipped", known(
            "`sim` faults; `exactly_the_bad_sectors_are_listed_whatever_the_order`",
            "not complete",
            "not complete, with the sectors",
        )),
        (9, "Flash keeps spare and worn cells", known(
            "spare cells in every simulated drive",
            "overwriting is Clear, never Purge",
            "Clear, with what is not reached",
        )),
        (10, "Zeros are not written but noted", known(
            "`sim::ata` and `sim::nvme`, zeros elided",
            "the pattern is incompressible and keyed by position; zeros prove nothing (`zeros_alone_are_no_proof`)",
            "verified, of this pattern",
        )),
        (11, "Unmapped addresses read as zeros", known(
            "overwriting: `sim`",
            "read-back is compared with the pattern, never with zeros",
            "verified, of this pattern",
        )),
        (12, "Discard or write-zeroes taken for overwriting", known(
            "not simulated: raz sends neither",
            "never in a plan",
            "–",
        )),
        (13, "Shadow MBR hides the range in front", known(
            "`sim::tcg`, shadow MBR; `locked_drive_is_refused_until_its_psid_frees_it_and_then_erased`",
            "Level 0 discovery is asked; a drive that shows a shadow MBR is refused (*TCG-locked*) until `raz revert` took it away. Without an answer: unknown, beside the plan",
            "refused, or: whether it is locked is unknown",
        )),
        (14, "Locked drive answers zeros or errors", known(
            "`sim::ata`, `zeros_while_locked`; `sim::tcg`, locked ranges",
            "an ATA password is a refusal (*locked*), a TCG lock another (*TCG-locked*)",
            "refused",
        )),
        (15, "Cryptographic erase where nothing is encrypted", None),
        (16, "Data from before the encryption, or a key kept elsewhere", known(
            "not simulated: no host can see it",
            "not yet defended: nobody is asked for a declaration",
            "nothing on keys kept elsewhere",
        )),
        (17, "Firmware says success and keeps data", None),
        (18, "Over sooner than physics allows", None),
        (19, "Stuck or failed, read as idle", None),
        (20, "Done, but physical sectors remain", None),
        (21, "A bridge swallows pass-through and answers GOOD", None),
        (22, "A bridge shows less capacity, other sectors, or two disks as one", known(
            "`sim::ata`, `bridge_reserves`",
            "capacity of the bridge and of IDENTIFY are asked for; behind a silent bridge it is unknown",
            "hidden bytes, or unknown",
        )),
        (23, "Addresses wrap at 2 TiB, or capacity is made up", known(
            "`sim`; `capacity_that_wraps_is_found`",
            "not complete: the pattern is keyed by position and read back after the whole write",
            "not complete",
        )),
        (24, "A bridge encrypts; its key lies elsewhere", known(
            "not simulated",
            "not yet defended: no list of such bridges. What is addressable is overwritten",
            "what lies behind a bridge is not reached",
        )),
        (25, "A bridge shows NVMe as ATA", known(
            "not simulated",
            "not yet defended. No erase command is sent through it today",
            "Clear at most",
        )),
        (26, "RAID controller shows volumes, not members", known(
            "not simulated; `volume_of_a_raid_controller_is_not_cleared`",
            "the plan is below Clear",
            "not Clear: members, spares and cache are not reached",
        )),
        (27, "NVMe drives hidden behind an AHCI controller (RST, VMD)", known(
            "not simulated",
            "not yet defended: they are not listed, and nothing says so",
            "nothing: the drive is missing",
        )),
        (28, "Caches with data of their own: Optane, SSD cache, battery memory", known(
            "not simulated",
            "not yet defended as such: each is a drive of its own, listed if the kernel shows it",
            "nothing of what the kernel does not show",
        )),
        (29, "Hybrid disk: flash behind platters", known(
            "not simulated",
            "known by IDENTIFY words 78 and 214 to 216, or by its model: its security erase counts for nothing and is not sent; one that is known by neither counts as a disk",
            "Clear, with its flash among what is not reached; Purge by its own SANITIZE only",
        )),
        (30, "Zoned disk: a reset write pointer reads as filling", known(
            "not simulated",
            "host-managed: refused; host-aware: cache zones are named as not reached",
            "refused, or what is not reached",
        )),
        (31, "Namespaces not attached, or deleted and not erased", known(
            "overwriting: not simulated",
            "overwriting reaches the one namespace; unallocated capacity is hidden capacity",
            "hidden bytes, or unknown",
        )),
        (32, "Boot areas, RPMB, partitions beside the main area", known(
            "`sim::mmc`; `boot_areas_with_data_are_overwritten_and_read_back`, `boot_area_that_the_computer_boots_from_is_not_written_and_the_other_one_is`",
            "boot areas of an eMMC are read in whole before its own erase, and overwritten and read back where they hold data; what stays is named, and makes it Clear; RPMB is named; an eMMC with general purpose areas is not sanitized",
            "Purge where nothing stood in both boot areas, else Clear with what is not reached",
        )),
        (33, "Several units, or heads taken out of service", known(
            "not simulated",
            "not yet defended: units are drives of their own; heads out of service are not asked for",
            "nothing of such heads",
        )),
        (34, "Read-back comes from the host's memory", known(
            "`file_that_could_be_read_from_memory_is_not_begun`",
            "direct reads only, else nothing is begun",
            "not begun",
        )),
        (35, "Read-back comes from the drive's cache; flush ignored", known(
            "`sim` (volatile writes), `sim::ata`, `sim::nvme`",
            "a failed flush spoils the proof; a drive that answers from its cache for ever passes: not yet defended",
            "verified, by reads that the drive answered",
        )),
        (36, "Write errors lost, short writes", known(
            "`sim` faults; `reads_that_move_nothing_are_found_in_every_page_also_after_zeros`",
            "every byte is counted; a short transfer is no success",
            "not complete",
        )),
        (37, "Another drive under the same name", known(
            "`sim`; `another_identity_after_any_phase_spoils_the_proof`",
            "identity is read before the first write and after each phase",
            "not complete",
        )),
        (38, "Wrong node: partition, controller, second path", known(
            "`partition_is_refused_in_favour_of_its_drive`",
            "refused; paths of one drive count as one",
            "–",
        )),
        (39, "Two drives say one serial", known(
            "`twins_are_ambiguous_in_plans_of_several_and_name_each_other`",
            "refused: ambiguous identity",
            "–",
        )),
        (40, "Tail: odd sizes, last sector", known(
            "`sim`; `first_and_last_sector_can_be_bad`; blocks of 520 bytes: `disk_of_a_storage_array_is_told_by_its_blocks_and_not_as_empty`",
            "every byte is in one of five states, and their sum is the capacity; blocks that Linux does not drive are refused until `raz reformat`",
            "not complete, with the sectors",
        )),
        (41, "Metadata beside blocks stay", known(
            "`sim::nvme`, formats with metadata; `sim::scsi`, protection information, and a format to 512 bytes that keeps what is behind them (**no host can see it**)",
            "not reached by overwriting, and named; SCSI's is made anew with each write",
            "what is not reached",
        )),
        (42, "Short read taken for the end", known(
            "`sim` faults, `sim::ata` `reads_short`",
            "a short transfer is no success",
            "not complete",
        )),
        (43, "Worn out: writes are acknowledged and dropped", known(
            "`sim`; `writes_that_were_only_acknowledged_are_found`",
            "not complete: the read-back differs",
            "not complete",
        )),
        (44, "Zeros verified on a drive that was never written", known(
            "`zeros_alone_are_no_proof`",
            "the pattern has a fresh seed in each run",
            "not complete",
        )),
        (45, "Pattern wrong in the same way twice", known(
            "`faulty_generator_agrees_with_itself_and_with_no_other_machine`",
            "self-test by published vectors before the first byte",
            "nothing is erased",
        )),
        (46, "SECURITY ERASE cut by a reset, reported as success", known(
            "a disk that firmware froze, in a machine that sleeps and wakes with a dark screen; `without_a_key_no_password_is_set_and_the_plan_is_an_overwrite_with_the_reason`",
            "no erase by password before a key shows that a person sees the machine alive; frozen again: no erase by password",
            "Clear, with this reason",
        )),
        (47, "Power lost in the middle, certified as whole", known(
            "`sim`; `resumed_run_ends_proven_or_says_what_is_not_for_every_cut_and_every_ledger`",
            "a resumed run reads every byte back",
            "verified by that read-back, or not complete",
        )),
        (48, "eMMC: discard instead of erase, sanitize aborted by the kernel", known(
            "`sim::mmc`; `discard_is_never_sent_nor_is_anything_but_erase_and_sanitize`",
            "erase by its command, never discard; a sanitize that is given up is no claim",
            "claimed by the drive, or unknown",
        )),
        (49, "A translation takes another pattern than it was given", None),
        (50, "A sample misses what was not wiped", known(
            "`sim`; `drawn_samples_miss_as_often_as_the_formula_says`",
            "the whole drive by default; a sample has a word of its own, never *verified*",
            "sampled, with the odds",
        )),
        (51, "Another writer puts data back", known(
            "`data_that_changes_between_write_and_verify_is_found_to_the_sector`",
            "exclusive open; the read-back differs",
            "not complete",
        )),
        (52, "“Completed” on a dying drive", known(
            "`sim::ata` `smart_failing`, `sim::nvme` `critical_warning_after_erasure`",
            "health is read and reported; no verdict on an erasure is lowered by it: not yet defended",
            "verified or claimed, with its health beside it",
        )),
        (53, "Wrong clock, or no operator, on the certificate", known(
            "not simulated",
            "a clock that was compared with nothing is *unsynchronised*; a missing operator is named",
            "that times are the machine's own, that nobody was named",
        )),
        (54, "Virtual and network disks", known(
            "`disks_of_networks_are_networked`",
            "networked: refused but with `--networked`; virtual: named as not reached",
            "refused, or: where its bytes really are is not known",
        )),
        (55, "The medium raz runs from is left out silently", known(
            "`drive_that_carries_razs_medium_is_refused_even_when_the_list_did_not_know`",
            "refused and listed",
            "listed as not erased",
        )),
    ]
}

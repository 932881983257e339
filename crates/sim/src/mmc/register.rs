//! EXT_CSD as the card gives it: JESD84-B51 7.4. What the model knows nothing of is 0.

use super::MmcCard;

impl MmcCard {
    pub(super) fn ext_csd(&self) -> Vec<u8> {
        let options = &self.options;
        let features = options.features;
        let mut register = vec![0; 512];
        // SECURE_REMOVAL_TYPE: by erase, and that is chosen.
        register[16] = 0x01;
        for (number, groups) in options.general_purpose_groups.iter().take(4).enumerate() {
            let [low, middle, high, _] = groups.to_le_bytes();
            register[143 + 3 * number..][..3].copy_from_slice(&[low, middle, high]);
        }
        register[168] = options.rpmb_units;
        register[173] = self.boot_protection;
        register[175] = self.erase_group_def;
        register[179] = self.partition_config;
        register[181] = u8::from(options.erased_reads_ones);
        register[192] = options.revision;
        register[212..216].copy_from_slice(&options.sectors.to_le_bytes());
        // HC_WP_GRP_SIZE: one erase group.
        register[221] = 1;
        // ERASE_TIMEOUT_MULT, HC_ERASE_GRP_SIZE.
        register[223] = 1;
        register[224] = options.group_units;
        register[226] = options.boot_units;
        register[231] = u8::from(features.secure)
            | u8::from(features.trim) << 4
            | u8::from(features.sanitize) << 6;
        // TRIM_MULT.
        register[232] = 1;
        // FIRMWARE_VERSION.
        register[254] = 1 + u8::from(self.is_another());
        register[267] = 1;
        register[268] = 1;
        register[269] = 1;
        register
    }
}

//! Level 0 discovery (Core 2.01, 3.3.6): a header of 48 bytes and a descriptor for each feature.

use super::{Class, Tper};

/// A feature descriptor of version 1.
fn descriptor(code: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = code.to_be_bytes().to_vec();
    bytes.extend([0x10, u8::try_from(body.len()).unwrap_or(u8::MAX)]);
    bytes.extend_from_slice(body);
    bytes
}

/// A body that is zeros but for its beginning.
fn body<const BYTES: usize>(begins: &[u8]) -> [u8; BYTES] {
    let mut body = [0; BYTES];
    body[..begins.len()].copy_from_slice(begins);
    body
}

impl Tper {
    pub(super) fn level_0(&self) -> Vec<u8> {
        let mut data = vec![0; 48];
        data[7] = 0x01;
        // Synchronous protocol, streaming.
        data.extend(descriptor(0x0001, &body::<12>(&[0x11])));
        data.extend(descriptor(0x0002, &body::<12>(&[self.locking()])));
        if self.options.class != Class::Enterprise {
            // Blocks of 512 bytes, no alignment asked for.
            let geometry = [
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 1,
            ];
            data.extend(descriptor(0x0003, &body::<28>(&geometry)));
        }
        let [high, low] = self.options.base_com_id.to_be_bytes();
        // One ComID; of Opal 2 also four admins, eight users, and a first password that is the MSID.
        let class = body::<16>(&[high, low, 0, 1, 0, 0, 4, 0, 8]);
        data.extend(descriptor(self.options.class as u16, &class));
        let block_sid = u8::from(self.is_enabled()) | u8::from(self.sid_blocked) << 1;
        data.extend(descriptor(0x0402, &body::<12>(&[block_sid])));
        // The length does not count its own bytes.
        let length = u32::try_from(data.len() - 4).unwrap_or(u32::MAX);
        data[..4].copy_from_slice(&length.to_be_bytes());
        data
    }

    fn locking(&self) -> u8 {
        let has_shadow = |owner: &super::Owner| owner.shadow_mbr.is_some();
        let uses_shadow = self.options.owner.as_ref().is_some_and(has_shadow);
        let bits = [
            true,
            self.is_enabled(),
            self.is_locked(),
            self.options.encrypts,
            uses_shadow,
            uses_shadow && self.is_open,
        ];
        let bits = bits.iter().enumerate();
        bits.fold(0, |byte, (bit, is_set)| byte | u8::from(*is_set) << bit)
    }
}

//! What a simulated drive physically holds, beside what was reported of it.

use std::io::Read;

use anyhow::ensure;
use report::schema::Drive;
use sim::cells::Cells;

use crate::derive::expected_reader;

/// Stands at the start of every sector of a drive that was used.
pub const OLD_BYTES: &[u8] = b"OLD-BYTES";

/// Uses a drive: every sector is written twice, each time with something else, so that places of flash
/// to which no address points hold old bytes too.
pub fn use_up(cells: &mut Cells) {
    for round in 0..2_u64 {
        for address in 0..cells.addresses() {
            let mut sector = [OLD_BYTES, &address.to_be_bytes(), &round.to_be_bytes()].concat();
            sector.resize(cells.sector_bytes(), 0x20);
            cells.write(address, &sector);
        }
    }
}

/// What every address holds, and nothing of how.
#[must_use]
pub fn contents(cells: &Cells) -> Vec<Option<Vec<u8>>> {
    (0..cells.addresses())
        .map(|address| cells.read(address))
        .collect()
}

/// Every address that the report's capacity has holds what the report says. Sectors have 512 bytes.
///
/// # Errors
/// The first address that holds something else.
pub fn is_as_reported(cells: &Cells, entry: &Drive) -> anyhow::Result<()> {
    let mut expected = expected_reader(entry, 0)?;
    for address in 0..entry.capacity_bytes / 512 {
        let mut sector = vec![0; 512];
        expected.read_exact(&mut sector)?;
        ensure!(
            cells.read(address) == Some(sector),
            "address {address} is not what the report says"
        );
    }
    Ok(())
}

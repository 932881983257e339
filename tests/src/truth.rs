//! What a simulated drive physically holds, beside what was reported of it.

use std::io::Read;

use anyhow::ensure;
use report::schema::Drive;
use sim::cells::Cells;

use crate::derive::expected_reader;

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

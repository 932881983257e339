//! Drives that something holds: md arrays that stand on them before the image's init runs.
//!
//! No argument of Debian's kernel makes one, because md is a module there. So a first init of the lab's
//! (`before`) makes them with the kernel's own md modules; the image's init follows.

use std::path::Path;

use crate::before::Before;
use crate::image::Image;

/// One array on one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Serial number of the drive.
    pub(crate) serial: String,
    /// Number of the partition that is held; `None` for the whole drive.
    pub(crate) partition: Option<u32>,
    /// Kernel name of the array.
    pub(crate) array: String,
}

/// The image with what puts these arrays together before it; its files lie in `folder`.
pub(crate) fn image(image: &Image, folder: &Path, holders: &[Holder]) -> anyhow::Result<Image> {
    let lines: String = holders
        .iter()
        .map(|holder| {
            let partition = holder.partition.unwrap_or(0);
            format!("{} {partition} {}\n", holder.serial, holder.array)
        })
        .collect();
    let before = Before {
        name: "held",
        init: include_str!("holder/init"),
        files: &[("held", lines)],
        modules: &["md/md-mod", "md/raid0"],
        programs: &[],
    };
    before.image(image, folder)
}

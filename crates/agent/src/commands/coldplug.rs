//! `raz coldplug`: the image's init calls it once at boot and after hot-plug.

use super::Status;
use crate::coldplug;
use crate::output::say;
use anyhow::Context;
use std::path::Path;

/// Runs `raz coldplug`. Its last line begins with `coldplug:`; the process can stay behind it, because
/// it ends with the last load.
///
/// # Errors
/// No module index, or no kernel release.
pub fn coldplug(modules: Option<&Path>) -> anyhow::Result<Status> {
    let folder = match modules {
        Some(folder) => folder.to_owned(),
        None => {
            let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")
                .context("reading the kernel's release")?;
            Path::new("/lib/modules").join(release.trim())
        }
    };
    let loaded = coldplug::run(&folder, Path::new("/sys"))?;
    for (module, reason) in &loaded.refused {
        say!("{module}: {reason}");
    }
    let still = match loaded.loading.join(", ") {
        names if names.is_empty() => names,
        names => format!(", still loading: {names}"),
    };
    say!(
        "coldplug: {} modules for {} devices, {} refused, {} rounds{still}",
        loaded.modules.len(),
        loaded.devices,
        loaded.refused.len(),
        loaded.rounds
    );
    Ok(Status::Proven)
}

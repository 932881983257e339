//! Programs of Debian's packages with their libraries, laid into one folder: they run by the loader that
//! lies beside them, whatever the machine itself has.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::packages::Packages;

/// A package, and the files of it that are taken.
pub type Files = (&'static str, &'static [&'static str]);

/// Lays the files into `folder` by the last part of their names; gives back how many there are. A folder
/// that is there is complete.
pub fn lay(
    root: &Path,
    lock: &Path,
    packages: &[Files],
    folder: &Path,
    update_lock: bool,
) -> anyhow::Result<usize> {
    let names: Vec<&str> = packages.iter().map(|(name, _)| *name).collect();
    let brought = Packages::obtain(root, lock, &names, update_lock)?;
    let partial = folder.with_extension("partial");
    for path in [folder, &partial] {
        if path.exists() {
            fs::remove_dir_all(path)?;
        }
    }
    fs::create_dir_all(&partial)?;
    let mut count = 0;
    for (name, files) in packages {
        let package = brought.files(name)?;
        for file in *files {
            let source = package.join(file);
            let name = source.file_name().context("a file's name")?;
            // The name of a library is a link in the package: what it points to is taken.
            fs::copy(&source, partial.join(name))
                .with_context(|| format!("copying {}", source.display()))?;
            count += 1;
        }
    }
    fs::rename(&partial, folder)?;
    Ok(count)
}

//! The licence texts of Debian's packages: what GRUB's, the kernel's and the firmware's makers ask to be
//! handed on with their work.

use std::fs;

use anyhow::{Context, ensure};

use super::packages::Packages;

/// One text.
pub struct Licence {
    /// The packages that it is of, at least one.
    pub packages: Vec<String>,
    /// Debian's `copyright` file.
    pub text: Vec<u8>,
}

/// Each text once. Packages of one source share one: some have a link to the folder of another.
pub fn of(packages: &Packages) -> anyhow::Result<Vec<Licence>> {
    let mut licences: Vec<Licence> = Vec::new();
    for name in packages.names() {
        let folder = packages.files(name)?.join("usr/share/doc").join(name);
        let holder = match fs::read_link(&folder) {
            Ok(link) => link.to_str().context("a link's name")?.to_owned(),
            Err(_) => name.to_owned(),
        };
        ensure!(
            packages.names().any(|name| name == holder),
            "the licence of {name} is in {holder}, which is not among the packages"
        );
        let folder = packages.files(&holder)?.join("usr/share/doc").join(&holder);
        let path = folder.join("copyright");
        let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        match licences.iter_mut().find(|licence| licence.text == text) {
            Some(licence) => licence.packages.push(name.to_owned()),
            None => licences.push(Licence {
                packages: vec![name.to_owned()],
                text,
            }),
        }
    }
    Ok(licences)
}

/// All of them as one text file.
pub fn file(licences: &[Licence]) -> Vec<u8> {
    let mut file = Vec::new();
    for licence in licences {
        file.extend(format!("==== {}\n\n", licence.packages.join(", ")).bytes());
        file.extend(&licence.text);
        file.extend(b"\n\n");
    }
    file
}

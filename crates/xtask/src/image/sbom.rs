//! The software bill of materials (CycloneDX 1.5): every Debian package of which something is in the image,
//! every crate that is linked into the agent, and what the toolchain adds to it, with their licences.
//!
//! No date and no random serial number, which the format leaves open: same inputs, same bytes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use cyclonedx_bom::external_models::normalized_string::NormalizedString;
use cyclonedx_bom::external_models::uri::Purl;
use cyclonedx_bom::models::attached_text::AttachedText;
use cyclonedx_bom::models::bom::{Bom, SpecVersion};
use cyclonedx_bom::models::component::{Classification, Component, Components};
use cyclonedx_bom::models::hash::{Hash, HashAlgorithm, HashValue, Hashes};
use cyclonedx_bom::models::license::{License, LicenseChoice, Licenses};
use cyclonedx_bom::models::metadata::Metadata;
use cyclonedx_bom::prelude::Validate;
use serde::Deserialize;

use super::agent::TARGET;
use super::licences::Licence;
use super::lock::Package;
use crate::run;

/// Archives of the machine that builds, of which the linker takes code into the agent.
const LINKED: &[&str] = &["libc.a", "libgcc_eh.a"];

/// The document.
pub fn write(root: &Path, packages: &[Package], licences: &[Licence]) -> anyhow::Result<Vec<u8>> {
    let mut components = Vec::new();
    for package in packages {
        let Package {
            name,
            version,
            sha256,
        } = package;
        let kind = match name.starts_with("firmware-") {
            true => Classification::Firmware,
            false => Classification::Application,
        };
        let mut all = licences.iter();
        let licence = all.find(|licence| licence.packages.contains(name));
        let licence = licence.with_context(|| format!("no licence of {name}"))?;
        // A text stands with the first package that it is of.
        let text = (licence.packages[0] == *name).then_some(licence.text.as_slice());
        components.push(Component {
            hashes: Some(sha256_of(sha256)),
            licenses: Some(debians(&licence.packages[0], text)),
            ..component(
                kind,
                name,
                version,
                &format!("pkg:deb/debian/{name}@{version}?arch=amd64&distro=trixie"),
            )
        });
    }
    for archive in LINKED {
        components.push(linked(archive)?);
    }
    components.push(standard_library()?);
    components.extend(crates(root)?);
    let version = env!("CARGO_PKG_VERSION");
    let raz = Component {
        licenses: Some(Licenses(vec![LicenseChoice::expression(
            "MIT OR Apache-2.0",
        )])),
        ..component(
            Classification::OperatingSystem,
            "raz",
            version,
            &format!("pkg:generic/raz@{version}"),
        )
    };
    let bom = Bom {
        serial_number: None,
        metadata: Some(Metadata {
            component: Some(raz),
            ..Metadata::default()
        }),
        components: Some(Components(components)),
        ..Bom::default()
    };
    let faults = bom.validate_version(SpecVersion::V1_5);
    ensure!(
        faults.passed(),
        "the bill of materials is not valid: {faults:?}"
    );
    let mut bytes = Vec::new();
    bom.output_as_json_v1_5(&mut bytes)?;
    Ok(bytes)
}

/// A component that is known by its package URL.
fn component(kind: Classification, name: &str, version: &str, purl: &str) -> Component {
    // Versions of Debian have characters that mean something else in a URL.
    let purl = purl.replace('+', "%2B").replace('~', "%7E");
    Component {
        purl: purl.parse::<Purl>().ok(),
        ..Component::new(kind, name, version, Some(purl))
    }
}

fn sha256_of(hex: &str) -> Hashes {
    Hashes(vec![Hash {
        alg: HashAlgorithm::SHA_256,
        content: HashValue(hex.to_owned()),
    }])
}

/// A licence that has no name in SPDX's list: Debian's text is what counts.
fn debians(package: &str, text: Option<&[u8]>) -> Licenses {
    let plain = NormalizedString::new("text/plain");
    Licenses(vec![LicenseChoice::License(License {
        text: text.map(|text| AttachedText::new(Some(plain), text)),
        ..License::named_license(&format!("debian/copyright of {package}"))
    })])
}

/// The Debian package that an archive of this machine is from.
fn linked(archive: &str) -> anyhow::Result<Component> {
    let path = run::output(run::program("cc").arg(format!("-print-file-name={archive}")))?;
    let path = fs::canonicalize(path.trim()).with_context(|| format!("finding {archive}"))?;
    // Where /lib is a link to /usr/lib, dpkg knows either name.
    let owner = run::output(run::program("dpkg").arg("--search").arg(&path))?;
    let (package, _) = owner.split_once(": ").context("dpkg's answer")?;
    let form = "--showformat=${Package} ${Version}";
    let shown = run::output(run::program("dpkg-query").args(["--show", form, package]))?;
    let (name, version) = shown.split_once(' ').context("dpkg-query's answer")?;
    let copyright = fs::read(Path::new("/usr/share/doc").join(name).join("copyright"))
        .with_context(|| format!("reading the licence of {name}"))?;
    let purl = format!("pkg:deb/debian/{name}@{version}?arch=amd64");
    Ok(Component {
        licenses: Some(debians(name, Some(&copyright))),
        ..component(Classification::Library, name, version, &purl)
    })
}

fn standard_library() -> anyhow::Result<Component> {
    let told = run::output(run::program("rustc").arg("--version"))?;
    let version = told.split_whitespace().nth(1).context("rustc's version")?;
    let purl = format!("pkg:generic/rust-std@{version}");
    Ok(Component {
        licenses: Some(Licenses(vec![LicenseChoice::expression(
            "MIT OR Apache-2.0",
        )])),
        ..component(Classification::Library, "rust-std", version, &purl)
    })
}

/// Cargo.lock, as far as it is asked.
#[derive(Deserialize)]
struct CargoLock {
    package: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// The crates that are linked into the agent; not those that only build it.
fn crates(root: &Path) -> anyhow::Result<Vec<Component>> {
    let lock = fs::read_to_string(root.join("Cargo.lock")).context("reading Cargo.lock")?;
    let lock: CargoLock = toml::from_str(&lock)?;
    let tree = run::output(run::cargo(root).args([
        "tree",
        "--locked",
        "--package",
        "agent",
        "--edges",
        "normal,no-proc-macro",
        "--target",
        TARGET,
        "--prefix",
        "none",
        "--no-dedupe",
        "--format",
        "{p}|{l}",
    ]))?;
    let lines: BTreeSet<&str> = tree.lines().collect();
    let mut components = Vec::new();
    for line in lines {
        let (package, licence) = line.split_once('|').context("a crate's line")?;
        let mut words = package.split_whitespace();
        let name = words.next().context("a crate's name")?;
        let version = words.next().context("a crate's version")?;
        let version = version.trim_start_matches('v');
        ensure!(!licence.is_empty(), "{name} names no licence");
        let locked = lock.package.iter();
        let mut locked = locked.filter(|one| one.name == name && one.version == version);
        let checksum = locked
            .next()
            .context("not in Cargo.lock")?
            .checksum
            .as_deref();
        components.push(Component {
            hashes: checksum.map(sha256_of),
            // An old way to say OR.
            licenses: Some(Licenses(vec![LicenseChoice::expression(
                &licence.replace('/', " OR "),
            )])),
            ..component(
                Classification::Library,
                name,
                version,
                &format!("pkg:cargo/{name}@{version}"),
            )
        });
    }
    Ok(components)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_and_every_crate_of_the_agent_is_in_it_with_a_licence_and_the_text_is_the_same_twice()
     {
        let package = Package {
            name: "firmware-x".into(),
            version: "1:2+deb13~1".into(),
            sha256: "00".repeat(32),
        };
        let licences = [Licence {
            packages: vec!["firmware-x".into()],
            text: b"as is".to_vec(),
        }];
        let write = || write(&run::root(), std::slice::from_ref(&package), &licences).unwrap();
        let text = write();
        assert_eq!(text, write());
        let bom = Bom::parse_from_json_v1_5(text.as_slice()).unwrap();
        let components = bom.components.unwrap().0;
        assert!(
            components
                .iter()
                .all(|component| component.licenses.is_some())
        );
        let has = |name: &str| components.iter().any(|one| one.name.to_string() == name);
        for name in [
            "firmware-x",
            "libc6-dev",
            "rust-std",
            "agent",
            "nix",
            "rustls",
        ] {
            assert!(has(name), "{name}");
        }
        assert!(!has("clap_derive") && !has("tempfile"));
    }

    #[test]
    fn package_without_a_licence_is_no_part_of_an_image() {
        let package = Package {
            name: "x".into(),
            version: "1".into(),
            sha256: "00".repeat(32),
        };
        assert!(write(&run::root(), &[package], &[]).is_err());
    }
}

//! What a workshop gets besides the image: a signature under its manifest, and the answer whether an image
//! that it built itself is the same to the last byte.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};

use super::Manifest;
use crate::run;

/// The purpose that the signature is bound to (SSHSIG's namespace).
pub const NAMESPACE: &str = "raz-release@v1";

/// Signs the manifest with an OpenSSH key, as `manifest.json.sig` beside it.
pub fn sign(manifest: &Path, key: &Path) -> anyhow::Result<()> {
    let signature = manifest.with_extension("json.sig");
    if signature.exists() {
        // ssh-keygen would ask whether it may replace it.
        fs::remove_file(&signature)?;
    }
    run::run(
        run::program("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"])
            .arg(key)
            .arg(manifest),
    )
}

/// Whether an image is the one that another manifest is of.
///
/// # Errors
/// Names what is another one; or the packages, where the mirror has those of the lock no longer: then
/// nothing can be compared.
pub fn compare(ours: &Manifest, theirs: &Path) -> anyhow::Result<()> {
    let text = fs::read(theirs).with_context(|| format!("reading {}", theirs.display()))?;
    let theirs: Manifest = serde_json::from_slice(&text)
        .with_context(|| format!("{} is no manifest of an image", theirs.display()))?;
    for package in &theirs.packages {
        ensure!(
            ours.packages.contains(package),
            "cannot be compared: this image has another {} than {}, which the mirror may have dropped",
            package.name,
            package.version
        );
    }
    let different: Vec<&str> = ours
        .parts()
        .zip(theirs.parts())
        .filter(|((_, ours), (_, theirs))| ours != theirs)
        .map(|((name, _), _)| name)
        .collect();
    if !different.is_empty() {
        bail!("not the same bytes: {}", different.join(", "));
    }
    println!("image: the same bytes");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Part, lock::Package};
    use super::*;

    fn manifest() -> Manifest {
        let part = || Part::of(b"x");
        Manifest {
            schema: 3,
            kernel_release: "6".into(),
            arguments: Vec::new(),
            packages: vec![Package {
                name: "busybox-static".into(),
                version: "1".into(),
                sha256: "00".into(),
            }],
            iso: part(),
            sbom: part(),
            vmlinuz: part(),
            initrd: part(),
            graphics: part(),
            netboot: BTreeMap::from([("grub.pxe".to_owned(), part())]),
            agent: part(),
            modules: 1,
        }
    }

    #[test]
    fn ssh_keygen_accepts_the_signature_and_refuses_it_for_a_changed_manifest() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        let manifest = folder.path().join("manifest.json");
        run::run(
            run::program("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
                .arg(&key),
        )
        .unwrap();
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        let signers = folder.path().join("signers");
        fs::write(&signers, format!("release {public}")).unwrap();
        fs::write(&manifest, "{}").unwrap();
        let is_good = || {
            let command = format!(
                "ssh-keygen -Y verify -f signers -I release -n {NAMESPACE} -s manifest.json.sig <manifest.json"
            );
            let mut shell = run::program("sh");
            shell.current_dir(folder.path()).args(["-c", &command]);
            run::output(&mut shell).is_ok()
        };
        // Once more replaces it.
        for _ in 0..2 {
            sign(&manifest, &key).unwrap();
            assert!(is_good());
        }
        fs::write(&manifest, "{ }").unwrap();
        assert!(!is_good());
    }

    #[test]
    fn image_is_the_same_or_what_differs_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        let write = |manifest: &Manifest| {
            fs::write(&path, serde_json::to_vec(manifest).unwrap()).unwrap();
        };
        write(&manifest());
        compare(&manifest(), &path).unwrap();

        let mut other = manifest();
        other.iso = Part::of(b"y");
        write(&other);
        let error = compare(&manifest(), &path).unwrap_err().to_string();
        assert_eq!(error, "not the same bytes: iso");

        other.packages[0].version = "2".into();
        write(&other);
        let error = compare(&manifest(), &path).unwrap_err().to_string();
        assert!(error.contains("another busybox-static than 2"), "{error}");
    }
}

//! The documents of this folder.

use report::capture::Capture;
use std::fs;
use std::path::PathBuf;

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/captures")
}

/// All of them by name, recorded and made.
pub fn all() -> Vec<(String, Capture)> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".json").map(str::to_owned)
        })
        .collect();
    names.sort();
    let read = |name: String| {
        let bytes = fs::read(folder().join(format!("{name}.json"))).unwrap();
        let capture = Capture::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, capture)
    };
    names.into_iter().map(read).collect()
}

/// Compares a text with a file of this folder; writes it there instead when the variable is set.
pub fn is_as_kept(file: &str, text: &str, update: &str) -> Result<(), String> {
    let path = folder().join(file);
    if std::env::var_os(update).is_some() {
        fs::write(&path, text).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    if kept == text {
        return Ok(());
    }
    let lines = text.lines().zip(kept.lines().chain(std::iter::repeat("")));
    let first = lines.into_iter().find(|(now, before)| now != before);
    Err(format!(
        "{file} is not what it was (a wanted change: {update}=1, then read the difference): {first:?}"
    ))
}

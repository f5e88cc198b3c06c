//! Building what is then started, and saying what was measured on what.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::{Result, clock};

/// The package's own directory, where results are kept.
pub(crate) const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// The root of the repository.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Builds with cargo; gives the directory with the binaries.
pub(crate) fn cargo_build(what: &[&str], release: bool) -> Result<PathBuf> {
    let mut command = Command::new(env!("CARGO"));
    command.arg("build").arg("--quiet").args(what).current_dir(HERE);
    if release {
        command.arg("--release");
    }
    let status = command
        .status()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if !status.success() {
        return Err(format!("cargo build {} failed: {status}", what.join(" ")));
    }
    Ok(target_directory()?.join(if release { "release" } else { "debug" }))
}

/// Cargo's target directory, wherever it is: this very binary lies in `debug` or `release` below it.
fn target_directory() -> Result<PathBuf> {
    let own =
        std::env::current_exe().map_err(|error| format!("where this binary is, is unknown: {error}"))?;
    let target = own.parent().and_then(Path::parent);
    target
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("{} is in no target directory", own.display()))
}

/// When, of what and on what something was measured.
pub(crate) fn circumstances() -> Value {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    json!({
        "date": clock::now().to_string(),
        "commit": commit(),
        "machine": format!("{}, {cores} cores", processor()),
    })
}

/// The commit that is checked out, marked when the tree differs from it; nothing outside a repository.
fn commit() -> Option<String> {
    let described = Command::new("git")
        .args(["describe", "--always", "--dirty", "--exclude=*"])
        .current_dir(HERE)
        .output()
        .ok()?;
    let text = String::from_utf8(described.stdout).ok()?;
    described.status.success().then(|| text.trim().to_owned())
}

fn processor() -> String {
    // Only Linux has this file; elsewhere the architecture has to do.
    let described = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = described
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(
        || std::env::consts::ARCH.to_owned(),
        |(_, name)| name.trim().to_owned(),
    )
}

//! `scaffold`: what follows from the registry alone: a file and a target for each function's binary.

use std::fmt::Write as _;
use std::path::Path;

use functions::registry::{ROUTES, TASKS};
use local::output::say;

use crate::{Result, build};

/// Writes the binaries that the registry has and `functions` lacks.
///
/// # Errors
/// When a file cannot be read or written.
pub(crate) fn run() -> Result<bool> {
    let package = Path::new(build::ROOT).join("functions");
    let manifest = package.join("Cargo.toml");
    let failed = |error: std::io::Error| format!("{}: {error}", package.display());
    let mut targets = std::fs::read_to_string(&manifest).map_err(failed)?;
    let routes = ROUTES.iter().map(|route| (route.name, "serve"));
    for (name, serve) in routes.chain(TASKS.iter().map(|task| (task.name, "serve_task"))) {
        let file = package.join(format!("src/bin/{name}.rs"));
        if !file.exists() {
            std::fs::write(&file, binary(name, serve)).map_err(failed)?;
            say(&format!("functions/src/bin/{name}.rs"));
        }
        if add_target(&mut targets, name) {
            say(&format!("functions/Cargo.toml: {name}"));
        }
    }
    std::fs::write(&manifest, targets).map_err(failed)?;
    Ok(true)
}

/// The one line of a binary.
fn binary(name: &str, serve: &str) -> String {
    let entry = name.replace('-', "_").to_uppercase();
    format!(
        "//! The Lambda function `{name}`.\n\nfn main() -> std::process::ExitCode {{\n    functions::{serve}(&functions::registry::{entry})\n}}\n"
    )
}

/// Adds a binary to a manifest, if it has none of that name.
fn add_target(manifest: &mut String, name: &str) -> bool {
    if manifest.contains(&format!("[[bin]]\nname = \"{name}\"\n")) {
        return false;
    }
    // Writing to a text cannot fail.
    let _ = write!(
        manifest,
        "\n[[bin]]\nname = \"{name}\"\npath = \"src/bin/{name}.rs\"\ntest = false\nbench = false\ndoc = false\n"
    );
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binaries_that_are_there_are_as_they_would_be_written() {
        let package = Path::new(build::ROOT).join("functions");
        for (name, serve) in [("me-get", "serve"), ("mail-retry", "serve_task")] {
            let text = std::fs::read_to_string(package.join(format!("src/bin/{name}.rs"))).unwrap();
            assert_eq!(text, binary(name, serve));
        }
        let manifest = std::fs::read_to_string(package.join("Cargo.toml")).unwrap();
        let mut same = manifest.clone();
        assert!(!add_target(&mut same, "me-get"));
        assert!(add_target(&mut same, "me-forget"));
        let target = manifest
            .split("\n[[bin]]")
            .find(|target| target.contains("\"me-get\""))
            .unwrap();
        assert!(same.ends_with(&target.replace("me-get", "me-forget")));
        assert!(same.starts_with(&manifest));
    }
}

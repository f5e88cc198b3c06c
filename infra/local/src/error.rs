//! Why the stack does not start, in words for whoever typed the command.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why the stack does not start.
#[derive(Debug)]
pub enum StartError {
    /// Nothing can listen on the port.
    Port {
        /// The port.
        port: u16,
        /// Why.
        error: std::io::Error,
    },
    /// The data directory cannot be used.
    DataDirectory {
        /// The directory.
        path: PathBuf,
        /// Why.
        error: DataDirectoryError,
    },
    /// The operator's manifest is broken; the text has a line for each fault.
    Manifest(String),
    /// `template.yaml` does not describe the functions; the text has a line for each fault.
    Template(Vec<String>),
    /// A stand-in does not start.
    StandIn {
        /// Which.
        name: &'static str,
        /// Why.
        error: String,
    },
}

/// Why a data directory cannot be used.
#[derive(Debug)]
pub enum DataDirectoryError {
    /// Another process works in it.
    Locked,
    /// It belongs to another operator.
    OtherProfile {
        /// Whose it is.
        found: String,
        /// Who was asked for.
        wanted: &'static str,
    },
    /// A newer version of this program wrote it.
    Newer {
        /// The version that is found.
        found: u32,
        /// The newest version that is known here.
        known: u32,
    },
    /// A file that belongs to it is missing or unreadable.
    Damaged(String),
    /// It cannot be read or written.
    Io(std::io::Error),
}

impl StartError {
    pub(crate) fn directory(path: &Path, error: impl Into<DataDirectoryError>) -> Self {
        Self::DataDirectory {
            path: path.to_owned(),
            error: error.into(),
        }
    }

    pub(crate) fn stand_in(name: &'static str, error: impl fmt::Display) -> Self {
        Self::StandIn {
            name,
            error: error.to_string(),
        }
    }

    /// The exit code that tells a script what is wrong.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Port { .. } => 3,
            Self::DataDirectory { .. } => 4,
            Self::Manifest(_) | Self::Template(_) => 5,
            Self::StandIn { .. } => 1,
        }
    }
}

impl From<std::io::Error> for DataDirectoryError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { port, error } if error.kind() == std::io::ErrorKind::AddrInUse => {
                write!(
                    f,
                    "Port {port} is in use by another program. Stop it, or choose another with --port."
                )
            }
            Self::Port { port, error } => write!(f, "Port {port} cannot be opened: {error}."),
            Self::DataDirectory { path, error } => {
                write!(f, "The data directory {}: {error}", path.display())
            }
            Self::Manifest(errors) => write!(f, "The policy manifest is broken:\n{errors}"),
            Self::Template(errors) => {
                write!(
                    f,
                    "template.yaml does not describe the functions:\n{}",
                    errors.join("\n")
                )
            }
            Self::StandIn { name, error } => write!(f, "{name} does not start: {error}"),
        }
    }
}

impl fmt::Display for DataDirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str(
                "another process works in it. Stop that one, or choose another directory with --data-dir.",
            ),
            Self::OtherProfile { found, wanted } => write!(
                f,
                "it holds the data of the profile {found}, not {wanted}. Start with --profile {found}, or choose \
                 another directory with --data-dir."
            ),
            Self::Newer { found, known } => write!(
                f,
                "a newer version of this program wrote it (format {found}; this program knows {known}). Use that \
                 version, or choose another directory with --data-dir."
            ),
            Self::Damaged(what) => write!(
                f,
                "{what} Put the file back from a copy, or choose another directory with --data-dir."
            ),
            Self::Io(error) => write!(f, "{error}."),
        }
    }
}

impl std::error::Error for StartError {}
impl std::error::Error for DataDirectoryError {}

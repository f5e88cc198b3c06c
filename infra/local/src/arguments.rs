//! The command line.

use std::collections::HashMap;
use std::path::PathBuf;

use local::keys::KeyRequest;
use shared::policy::Profile;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Trackwell on one machine: the API, the stores, the mailbox, the schedules and a clock that can be moved.

Usage:
  local [--profile NAME] [--port N] [--data-dir DIR] [--ephemeral]
  local verify RECEIPT --key KEY
  local keys --profile NAME --origin HOST --data-key ARN --token-key ARN --ledger-key ARN [--out FILE] [--endpoint URL]

Options:
  --profile NAME   Whose policy is executed: ittrackr, trackr, casetrakr, ocktra or trackado (default).
  --port N         The API's port on 127.0.0.1 (default 8787).
  --data-dir DIR   Where the data is kept (default .trackwell). One process at a time.
  --ephemeral      Keep everything in memory and forget it at the end.
  --help           Print this.

verify checks a receipt offline: its signature and that it is in the ledger.
  RECEIPT          A receipt file, or the answer of GET /v1/erasures/{erasure_id}.
  --key KEY        The verifier key, or a file that holds it (DIR/ledger.vkey, or from GET /v1/ledger).

keys makes the keys of a new deployment on AWS, has KMS encrypt them, and prints the parameters of template.yaml that
carry them, for `sam deploy --parameter-overrides file://FILE`. Credentials come from the environment
(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN). Keep the file: RootKeyCiphertext opens all data of the
deployment, and whoever deploys without it, or with another, loses everything that is stored.
  --origin HOST    The API's host name; the ledger is named HOST/trackwell/NAME.
  --data-key ARN, --token-key ARN, --ledger-key ARN
                   The KMS keys: outputs of infra/data.yaml.
  --out FILE       Write to a file that must not exist yet, instead of printing. SAM wants its name to end in .yaml.
  --endpoint URL   Where KMS is, if not at AWS.

Exit codes:
  0  stopped by a signal; verify: proved; keys: made
  1  a part failed; verify: not proved; keys: not made
  2  the command line is wrong; verify: a file cannot be read; keys: the file exists or cannot be written
  3  the port cannot be opened
  4  the data directory is in use, damaged, of another profile or of a newer version
  5  the policy manifest or template.yaml is broken

RUST_LOG sets what is logged (default \"warn,functions=info,local=info,s3s=off\").";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print the help.
    Help,
    /// Run the stack.
    Serve {
        /// Whose policy.
        profile: Profile,
        /// The API's port.
        port: u16,
        /// Where the data is; none for memory.
        directory: Option<PathBuf>,
    },
    /// Check a receipt.
    Verify {
        /// The receipt's file.
        receipt: PathBuf,
        /// The key, or its file.
        key: String,
    },
    /// Make the keys of a deployment.
    Keys {
        /// Of which.
        request: KeyRequest,
        /// Where to write the parameters, if not to standard output.
        out: Option<PathBuf>,
    },
}

/// Reads the arguments after the program's name.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn parse(arguments: &[String]) -> Result<Command, String> {
    match arguments.split_first() {
        Some((first, rest)) if first == "verify" => verify(rest),
        Some((first, rest)) if first == "keys" => keys(rest),
        _ => serve(arguments),
    }
}

fn serve(arguments: &[String]) -> Result<Command, String> {
    let (mut profile, mut port, mut directory, mut ephemeral) = (Profile::Trackado, 8787, None, false);
    let mut left = arguments.iter();
    while let Some((name, value)) = left.next().map(|argument| split(argument)) {
        let mut value = || value.map(str::to_owned).or_else(|| left.next().cloned());
        let mut needed = || value().ok_or_else(|| format!("{name} needs a value."));
        match name {
            "-h" | "--help" | "help" => return Ok(Command::Help),
            "--profile" => profile = profile_of(&needed()?)?,
            "--port" => {
                let text = needed()?;
                port = text.parse().map_err(|_| format!("{text:?} is not a port."))?;
            }
            "--data-dir" => directory = Some(PathBuf::from(needed()?)),
            "--ephemeral" => ephemeral = true,
            other => return Err(format!("{other:?} is not known here.")),
        }
    }
    if ephemeral && directory.is_some() {
        return Err("--ephemeral and --data-dir exclude each other.".to_owned());
    }
    let directory = if ephemeral {
        None
    } else {
        Some(directory.unwrap_or_else(|| PathBuf::from(".trackwell")))
    };
    Ok(Command::Serve {
        profile,
        port,
        directory,
    })
}

fn verify(arguments: &[String]) -> Result<Command, String> {
    let (mut receipt, mut key) = (None, None);
    let mut left = arguments.iter();
    while let Some(argument) = left.next() {
        match split(argument) {
            ("-h" | "--help", None) => return Ok(Command::Help),
            ("--key", value) => {
                let value = value.map(str::to_owned).or_else(|| left.next().cloned());
                key = Some(value.ok_or("--key needs a value.")?);
            }
            (other, _) if other.starts_with("--") => return Err(format!("{other:?} is not known here.")),
            _ if receipt.is_none() => receipt = Some(PathBuf::from(argument)),
            _ => return Err("verify takes one receipt.".to_owned()),
        }
    }
    match (receipt, key) {
        (Some(receipt), Some(key)) => Ok(Command::Verify { receipt, key }),
        _ => Err("verify needs a receipt and --key.".to_owned()),
    }
}

fn keys(arguments: &[String]) -> Result<Command, String> {
    let mut given = HashMap::new();
    let mut left = arguments.iter();
    while let Some((name, value)) = left.next().map(|argument| split(argument)) {
        match name {
            "-h" | "--help" => return Ok(Command::Help),
            "--profile" | "--origin" | "--data-key" | "--token-key" | "--ledger-key" | "--endpoint"
            | "--out" => {
                let value = value.map(str::to_owned).or_else(|| left.next().cloned());
                given.insert(name, value.ok_or_else(|| format!("{name} needs a value."))?);
            }
            other => return Err(format!("{other:?} is not known here.")),
        }
    }
    let mut needed = |name: &str| given.remove(name).ok_or_else(|| format!("keys needs {name}."));
    let request = KeyRequest {
        profile: profile_of(&needed("--profile")?)?,
        host: host(needed("--origin")?)?,
        data_key: needed("--data-key")?,
        token_key: needed("--token-key")?,
        ledger_key: needed("--ledger-key")?,
        endpoint: needed("--endpoint").ok(),
    };
    let out = needed("--out").ok().map(PathBuf::from);
    Ok(Command::Keys { request, out })
}

fn profile_of(text: &str) -> Result<Profile, String> {
    let all = Profile::ALL.map(Profile::as_str).join(", ");
    text.parse()
        .map_err(|_| format!("There is no profile {text:?}. There are: {all}."))
}

/// A host name, and not a URL: it becomes part of a name that outlives the scheme and the port.
fn host(text: String) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    if !text.is_empty() && text.bytes().all(fits) {
        Ok(text)
    } else {
        Err(format!("{text:?} is not a host name in lower case."))
    }
}

/// An option and the value that is written to it with an equals sign.
fn split(argument: &str) -> (&str, Option<&str>) {
    match argument.split_once('=') {
        Some((name, value)) if name.starts_with("--") => (name, Some(value)),
        _ => (argument, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_have_their_defaults_and_come_in_any_order() {
        let default = |profile, port, directory: Option<&str>| {
            Ok(Command::Serve {
                profile,
                port,
                directory: directory.map(PathBuf::from),
            })
        };
        assert_eq!(parsed(""), default(Profile::Trackado, 8787, Some(".trackwell")));
        assert_eq!(
            parsed("--port 1 --profile=ocktra --data-dir d"),
            default(Profile::Ocktra, 1, Some("d"))
        );
        assert_eq!(parsed("--ephemeral"), default(Profile::Trackado, 8787, None));
        assert_eq!(parsed("--port 1 --help"), Ok(Command::Help));
    }

    #[test]
    fn keys_are_made_for_one_profile_and_host_with_three_keys() {
        let line = "keys --profile ocktra --origin api.example.com --data-key d --token-key=t --ledger-key l --out f";
        let request = KeyRequest {
            profile: Profile::Ocktra,
            host: "api.example.com".to_owned(),
            data_key: "d".to_owned(),
            token_key: "t".to_owned(),
            ledger_key: "l".to_owned(),
            endpoint: None,
        };
        let out = Some(PathBuf::from("f"));
        assert_eq!(parsed(line), Ok(Command::Keys { request, out }));
    }

    #[test]
    fn wrong_command_lines_are_told_what_is_wrong() {
        for (line, said) in [
            ("--profile acme", "There is no profile \"acme\""),
            ("--port 70000", "is not a port"),
            ("--port", "needs a value"),
            ("serve", "is not known"),
            ("--ephemeral --data-dir d", "exclude each other"),
            ("verify", "needs a receipt"),
            ("verify a --key", "--key needs a value"),
            ("verify a b --key k", "one receipt"),
            ("verify a --keys k", "is not known"),
            ("keys --profile trackr --origin https://x", "is not a host name"),
            (
                "keys --profile trackr --origin x --data-key a --token-key b",
                "keys needs --ledger-key",
            ),
            ("keys --profile", "--profile needs a value"),
        ] {
            let error = parsed(line).unwrap_err();
            assert!(error.contains(said), "{line}: {error}");
        }
        let receipt = PathBuf::from("r.json");
        assert_eq!(
            parsed("verify r.json --key k"),
            Ok(Command::Verify {
                receipt,
                key: "k".to_owned()
            })
        );
    }
}

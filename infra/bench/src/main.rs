//! `cargo run -p bench`: what a request costs, whether every function boots, and what a kill leaves behind.
//!
//! - `cost` performs every route and task once and counts what each asks of AWS.
//! - `boot` starts every Lambda binary as a process and has it answer a real event.
//! - `grants` holds what functions used in a run of all tests against what their policies let them do.
//! - `kill` kills the local stack in the middle of its work and looks at what is left.

use std::path::Path;
use std::process::ExitCode;

use local::output::{complain, say};
use tracing_subscriber::EnvFilter;

mod api;
mod boot;
mod build;
mod build_budget;
mod cases;
mod clock;
mod cold;
mod container;
mod cost;
mod customer;
mod erasure;
mod grants;
mod kill;
mod limits;
mod load;
mod mix;
mod page;
mod population;
mod price;
mod process;
mod results;
mod retention;
mod rig;
mod scaffold;
mod server;
mod spent;
mod stack;
mod stage;
mod tls;
mod warm;

/// What went wrong, in words for the terminal.
type Result<T> = std::result::Result<T, String>;

const HELP: &str = "\
Usage:
  cargo run -p bench -- cost             round trips and capacity of every route and task, as a table
  cargo run -p bench -- boot [--release] start every Lambda binary and have it answer a real event
  cargo run -p bench -- grants           run all tests, and judge whether each function may do exactly what it did
  cargo run -p bench -- grants --usage DIR  the same with what tests recorded in DIR, named by TRACKWELL_USAGE
  cargo run -p bench -- grants --propose [NAME…] [--usage DIR]… [--write]
                                         the exact policies of these functions, or of all that have none or another
                                         one, printed or put into template.yaml; from what was recorded in all of DIR,
                                         or else from a run of all tests that refuses nothing
  cargo run -p bench -- scaffold         write the binaries that the registry has and functions lacks
  cargo run -p bench -- cold [--runs N]  start every function often beside bare binaries, in release, over TLS
  cargo run -p bench -- cold --smoke     the same once and in debug; only whether everything answers
  cargo run -p bench -- warm [--smoke]   ask each function often beside a bare binary, in release, over TLS
  cargo run -p bench -- build            what a release binary costs to build, and its size
  cargo run -p bench -- kill             kill -9 the local stack amid 1,000 creates and look at what is left
  cargo run -p bench -- erasure [--smoke]
                                         how long and at what cost accounts are erased, and what others notice
  cargo run -p bench -- load [--smoke]   50 clients at once on the local stack
  cargo run -p bench -- retention [--smoke]
                                         what retention costs beside little and beside much that is not due

Each table is kept in infra/bench/results, but for those of --smoke, which is a short trial and judges no time. Exit codes: 0 as it should be, 1 not, 2 wrong command line.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error,s3s=off")),
        )
        .with_writer(std::io::stderr)
        .init();
    let outcome = match words.as_slice() {
        ["cost"] => in_runtime(cost::run()),
        ["boot"] => in_runtime(boot::run(false)),
        ["boot", "--release"] => in_runtime(boot::run(true)),
        ["grants"] => in_runtime(grants::run(None)),
        ["grants", "--usage", directory] => in_runtime(grants::run(Some(Path::new(directory)))),
        ["grants", "--propose", rest @ ..] => {
            grants::write::Wish::parse(rest).and_then(|wish| in_runtime(grants::write::run(&wish)))
        }
        ["scaffold"] => scaffold::run(),
        ["cold", rest @ ..] => cold::Plan::parse(rest).and_then(|plan| in_runtime(cold::run(plan))),
        ["warm"] => in_runtime(warm::run(false)),
        ["warm", "--smoke"] => in_runtime(warm::run(true)),
        ["build"] => build_budget::run(),
        ["kill"] => in_runtime(kill::run()),
        ["erasure"] => in_runtime(erasure::run(false)),
        ["erasure", "--smoke"] => in_runtime(erasure::run(true)),
        ["load"] => in_runtime(load::run(false)),
        ["load", "--smoke"] => in_runtime(load::run(true)),
        ["retention"] => in_runtime(retention::run(false)),
        ["retention", "--smoke"] => in_runtime(retention::run(true)),
        ["--help" | "-h"] => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        _ => {
            complain(HELP);
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// Runs a command, which says whether everything is as it should be.
fn in_runtime(command: impl Future<Output = Result<bool>>) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime
        .map_err(|error| format!("The runtime does not start: {error}"))?
        .block_on(command)
}

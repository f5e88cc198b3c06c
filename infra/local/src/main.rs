//! `cargo run -p local`: the stack as a program.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use local::keys::{self, KeyRequest};
use local::output::{complain, say};
use local::verify::{self, Refusal};
use local::{Clocks, Options, Stack, Storage};
use shared::policy::Profile;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use arguments::Command;

mod arguments;

const DEFAULT_LOG: &str = "warn,functions=info,local=info,s3s=off";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments::parse(&arguments) {
        Err(error) => {
            complain(&format!("{error}\nTry --help."));
            ExitCode::from(2)
        }
        Ok(Command::Help) => {
            say(arguments::HELP);
            ExitCode::SUCCESS
        }
        Ok(Command::Verify { receipt, key }) => check(&receipt, &key),
        Ok(Command::Keys { request, out }) => make_keys(&request, out.as_deref()),
        Ok(Command::Serve {
            profile,
            port,
            directory,
        }) => serve(profile, port, directory),
    }
}

fn check(receipt: &Path, key: &str) -> ExitCode {
    match verify::run(receipt, key) {
        Ok(proved) => {
            say(&proved);
            ExitCode::SUCCESS
        }
        Err(Refusal::NotProved(why)) => {
            complain(&why);
            ExitCode::FAILURE
        }
        Err(Refusal::Unreadable(why)) => {
            complain(&why);
            ExitCode::from(2)
        }
    }
}

fn make_keys(request: &KeyRequest, out: Option<&Path>) -> ExitCode {
    let parameters = match block_on(keys::run(request, &environment)).and_then(|made| made) {
        Ok(parameters) => parameters,
        Err(error) => {
            complain(&error);
            return ExitCode::FAILURE;
        }
    };
    let Some(path) = out else {
        say(&parameters);
        return ExitCode::SUCCESS;
    };
    // Never over what is there: that may be what opens the data of a deployment.
    match File::create_new(path).and_then(|mut file| writeln!(file, "{parameters}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{} is not written: {error}.", path.display()));
            ExitCode::from(2)
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the credentials of whoever typed the command; no function reads them"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn block_on<T>(future: impl Future<Output = T>) -> Result<T, String> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map(|runtime| runtime.block_on(future))
        .map_err(|error| format!("The runtime does not start: {error}"))
}

fn serve(profile: Profile, port: u16, directory: Option<PathBuf>) -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    block_on(run(profile, port, directory)).unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

async fn run(profile: Profile, port: u16, directory: Option<PathBuf>) -> ExitCode {
    let options = Options {
        profile,
        storage: directory.clone().map_or(Storage::Memory, Storage::Directory),
        clock: Clocks::Shifted,
        port: Some(port),
        enforce_policies: true,
        schedules: true,
    };
    let stack = match Stack::start_with(options, &|step| say(&format!("  {step} …"))).await {
        Ok(stack) => stack,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(error.exit_code());
        }
    };
    say(&greeting(&stack, directory.as_deref()));
    match stopped().await {
        Ok(()) => {
            say("Stopping: what has begun is finished first.");
            stack.stop().await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!("Signals cannot be received: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Waits for the signal to stop.
async fn stopped() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn greeting(stack: &Stack, directory: Option<&Path>) -> String {
    let origin = stack.origin();
    let data = directory.map_or_else(
        || "memory".to_owned(),
        |directory| directory.display().to_string(),
    );
    let key = directory.map_or_else(
        || stack.ledger_verifier_key().to_owned(),
        |directory| directory.join("ledger.vkey").display().to_string(),
    );
    let mut text = format!(
        "\nTrackwell serves {origin}\n\n  profile   {}\n  data      {data}\n  clock     {origin}/_local\n  \
         mailbox   {origin}/_mailbox\n  API       {origin}/openapi.json\n  ledger    {key}\n",
        stack.profile(),
    );
    if stack.is_new() {
        let (age, version) = (stack.policy().minimum_age(), stack.policy().version());
        text.push_str(&format!(
            "\nThis is the first start. Try:\n\n  \
             curl -s {origin}/v1/auth/register -H 'content-type: application/json' -d '{{\n    \
             \"name\": \"Ada Example\", \"email\": \"ada@example.com\", \"company\": \"Example Ltd\",\n    \
             \"password\": \"correct horse battery staple\", \"age_confirmed\": {age}, \"policy_version\": \"{version}\"\n  }}'\n\n\
             Then read the mail at {origin}/_mailbox, verify the address, sign in, and create records.\n\
             Move the clock at {origin}/_local to see what the policy does.\n",
        ));
    }
    text.push_str("\nStop with Ctrl-C.");
    text
}

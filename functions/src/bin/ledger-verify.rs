//! The Lambda function `ledger-verify`.

fn main() -> std::process::ExitCode {
    functions::serve_task(&functions::registry::LEDGER_VERIFY)
}

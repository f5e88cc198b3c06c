//! The Lambda function `ledger-seal`.

fn main() -> std::process::ExitCode {
    functions::serve_task(&functions::registry::LEDGER_SEAL)
}

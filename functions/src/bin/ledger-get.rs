//! The Lambda function `ledger-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::LEDGER_GET)
}

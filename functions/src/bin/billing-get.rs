//! The Lambda function `billing-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::BILLING_GET)
}

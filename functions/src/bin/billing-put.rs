//! The Lambda function `billing-put`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::BILLING_PUT)
}

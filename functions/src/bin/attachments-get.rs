//! The Lambda function `attachments-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ATTACHMENTS_GET)
}

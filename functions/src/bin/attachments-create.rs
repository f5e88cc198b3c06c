//! The Lambda function `attachments-create`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ATTACHMENTS_CREATE)
}

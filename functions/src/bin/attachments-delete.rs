//! The Lambda function `attachments-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ATTACHMENTS_DELETE)
}

//! The Lambda function `attachments-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ATTACHMENTS_LIST)
}

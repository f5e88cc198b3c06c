//! The Lambda function `attachments-complete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ATTACHMENTS_COMPLETE)
}

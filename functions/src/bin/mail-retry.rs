//! The Lambda function `mail-retry`.

fn main() -> std::process::ExitCode {
    functions::serve_task(&functions::registry::MAIL_RETRY)
}

//! The Lambda function `members-reset-password`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::MEMBERS_RESET_PASSWORD)
}

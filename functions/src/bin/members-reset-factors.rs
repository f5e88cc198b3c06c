//! The Lambda function `members-reset-factors`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::MEMBERS_RESET_FACTORS)
}

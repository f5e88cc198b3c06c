//! The Lambda function `members-update`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::MEMBERS_UPDATE)
}

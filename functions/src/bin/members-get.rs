//! The Lambda function `members-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::MEMBERS_GET)
}

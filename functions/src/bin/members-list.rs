//! The Lambda function `members-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::MEMBERS_LIST)
}

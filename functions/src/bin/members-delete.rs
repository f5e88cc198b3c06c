//! The Lambda function `members-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::MEMBERS_DELETE)
}

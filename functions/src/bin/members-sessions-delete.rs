//! The Lambda function `members-sessions-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::MEMBERS_SESSIONS_DELETE)
}

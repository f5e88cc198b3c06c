//! The Lambda function `sessions-delete-all`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SESSIONS_DELETE_ALL)
}

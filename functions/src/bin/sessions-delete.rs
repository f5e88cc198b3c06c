//! The Lambda function `sessions-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SESSIONS_DELETE)
}

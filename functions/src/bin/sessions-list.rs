//! The Lambda function `sessions-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SESSIONS_LIST)
}

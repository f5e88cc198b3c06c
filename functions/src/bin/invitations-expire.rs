//! The Lambda function `invitations-expire`.

fn main() -> std::process::ExitCode {
    functions::serve_task(&functions::registry::INVITATIONS_EXPIRE)
}

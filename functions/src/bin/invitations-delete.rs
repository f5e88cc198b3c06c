//! The Lambda function `invitations-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::INVITATIONS_DELETE)
}

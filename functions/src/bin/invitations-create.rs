//! The Lambda function `invitations-create`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::INVITATIONS_CREATE)
}

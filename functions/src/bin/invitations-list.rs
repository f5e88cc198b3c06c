//! The Lambda function `invitations-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::INVITATIONS_LIST)
}

//! The Lambda function `invitations-accept`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::INVITATIONS_ACCEPT)
}

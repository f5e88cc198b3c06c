//! The Lambda function `invitations-resend`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::INVITATIONS_RESEND)
}

//! The Lambda function `me-email-cancel`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ME_EMAIL_CANCEL)
}

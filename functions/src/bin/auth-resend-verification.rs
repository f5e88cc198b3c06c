//! The Lambda function `auth-resend-verification`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_RESEND_VERIFICATION)
}

//! The Lambda function `factors-totp-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::FACTORS_TOTP_DELETE)
}

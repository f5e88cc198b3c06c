//! The Lambda function `factors-totp-confirm`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::FACTORS_TOTP_CONFIRM)
}

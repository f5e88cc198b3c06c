//! The Lambda function `factors-totp-create`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::FACTORS_TOTP_CREATE)
}

//! The Lambda function `factors-passkey-confirm`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::FACTORS_PASSKEY_CONFIRM)
}

//! The Lambda function `factors-passkey-create`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::FACTORS_PASSKEY_CREATE)
}

//! The Lambda function `factors-passkey-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::FACTORS_PASSKEY_DELETE)
}

//! The Lambda function `auth-passkey-begin`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_PASSKEY_BEGIN)
}

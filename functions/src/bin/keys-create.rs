//! The Lambda function `keys-create`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::KEYS_CREATE)
}

//! The Lambda function `keys-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::KEYS_DELETE)
}

//! The Lambda function `keys-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::KEYS_LIST)
}

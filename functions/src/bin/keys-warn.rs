//! The Lambda function `keys-warn`.

fn main() -> std::process::ExitCode {
    functions::serve_task(&functions::registry::KEYS_WARN)
}

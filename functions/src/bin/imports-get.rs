//! The Lambda function `imports-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::IMPORTS_GET)
}

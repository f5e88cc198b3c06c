//! The Lambda function `imports-create`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::IMPORTS_CREATE)
}

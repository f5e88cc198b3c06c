//! The Lambda function `security-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SECURITY_GET)
}

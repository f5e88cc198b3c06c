//! The Lambda function `security-contact`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SECURITY_CONTACT)
}

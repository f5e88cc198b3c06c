//! The Lambda function `auth-register`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_REGISTER)
}

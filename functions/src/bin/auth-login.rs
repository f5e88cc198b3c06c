//! The Lambda function `auth-login`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_LOGIN)
}

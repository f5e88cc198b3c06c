//! The Lambda function `auth-logout`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_LOGOUT)
}

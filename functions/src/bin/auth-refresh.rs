//! The Lambda function `auth-refresh`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::AUTH_REFRESH)
}

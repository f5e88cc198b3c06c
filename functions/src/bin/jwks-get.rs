//! The Lambda function `jwks-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::JWKS_GET)
}

//! The Lambda function `openapi-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::OPENAPI_GET)
}

//! The Lambda function `access-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ACCESS_GET)
}

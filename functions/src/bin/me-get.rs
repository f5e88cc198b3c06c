//! The Lambda function `me-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ME_GET)
}

//! The Lambda function `me-email`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ME_EMAIL)
}

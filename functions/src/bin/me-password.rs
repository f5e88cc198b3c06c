//! The Lambda function `me-password`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ME_PASSWORD)
}

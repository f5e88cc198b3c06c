//! The Lambda function `me-activity`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ME_ACTIVITY)
}

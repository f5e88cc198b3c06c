//! The Lambda function `me-switch`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ME_SWITCH)
}

//! The Lambda function `me-step-up-begin`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ME_STEP_UP_BEGIN)
}

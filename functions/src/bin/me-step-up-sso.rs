//! The Lambda function `me-step-up-sso`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ME_STEP_UP_SSO)
}

//! The Lambda function `me-update`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ME_UPDATE)
}

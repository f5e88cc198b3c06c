//! The Lambda function `me-organisations`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ME_ORGANISATIONS)
}

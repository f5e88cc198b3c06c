//! The Lambda function `me-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ME_DELETE)
}

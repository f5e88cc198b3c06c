//! The Lambda function `me-join`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ME_JOIN)
}

//! The Lambda function `access-end`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ACCESS_END)
}

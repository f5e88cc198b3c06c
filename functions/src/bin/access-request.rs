//! The Lambda function `access-request`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ACCESS_REQUEST)
}

//! The Lambda function `access-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ACCESS_LIST)
}

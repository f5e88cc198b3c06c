//! The Lambda function `access-approve`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ACCESS_APPROVE)
}

//! The Lambda function `policy-get`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::POLICY_GET)
}

//! The Lambda function `holds-release`.

fn main() -> std::process::ExitCode {
    functions::serve_task(&functions::registry::HOLDS_RELEASE)
}

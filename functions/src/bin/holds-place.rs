//! The Lambda function `holds-place`.

fn main() -> std::process::ExitCode {
    functions::serve_task(&functions::registry::HOLDS_PLACE)
}

//! The Lambda function `retention-plan`.

fn main() -> std::process::ExitCode {
    functions::serve_task(&functions::registry::RETENTION_PLAN)
}

//! The Lambda function `activity-export`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ACTIVITY_EXPORT)
}

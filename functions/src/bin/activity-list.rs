//! The Lambda function `activity-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ACTIVITY_LIST)
}

//! The Lambda function `staff-remove`.

fn main() -> std::process::ExitCode {
    functions::serve_task(&functions::registry::STAFF_REMOVE)
}

//! The Lambda function `staff-invite`.

fn main() -> std::process::ExitCode {
    functions::serve_task(&functions::registry::STAFF_INVITE)
}

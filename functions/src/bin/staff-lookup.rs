//! The Lambda function `staff-lookup`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::STAFF_LOOKUP)
}

//! The Lambda function `staff-organisations`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::STAFF_ORGANISATIONS)
}

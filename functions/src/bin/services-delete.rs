//! The Lambda function `services-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SERVICES_DELETE)
}

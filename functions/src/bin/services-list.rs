//! The Lambda function `services-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SERVICES_LIST)
}

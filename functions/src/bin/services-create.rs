//! The Lambda function `services-create`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SERVICES_CREATE)
}

//! The Lambda function `services-update`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SERVICES_UPDATE)
}

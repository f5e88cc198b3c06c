//! The Lambda function `roles-update`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ROLES_UPDATE)
}

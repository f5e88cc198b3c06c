//! The Lambda function `roles-create`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ROLES_CREATE)
}

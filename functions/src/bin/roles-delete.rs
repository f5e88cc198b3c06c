//! The Lambda function `roles-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ROLES_DELETE)
}

//! The Lambda function `roles-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::ROLES_LIST)
}

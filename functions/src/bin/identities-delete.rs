//! The Lambda function `identities-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::IDENTITIES_DELETE)
}

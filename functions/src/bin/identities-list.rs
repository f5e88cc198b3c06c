//! The Lambda function `identities-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::IDENTITIES_LIST)
}

//! The Lambda function `identities-create`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::IDENTITIES_CREATE)
}

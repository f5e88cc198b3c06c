//! The Lambda function `sso-domains-create`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SSO_DOMAINS_CREATE)
}

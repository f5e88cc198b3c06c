//! The Lambda function `sso-domains-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SSO_DOMAINS_DELETE)
}

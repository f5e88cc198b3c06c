//! The Lambda function `sso-domains-verify`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SSO_DOMAINS_VERIFY)
}

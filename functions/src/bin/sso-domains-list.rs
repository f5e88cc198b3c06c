//! The Lambda function `sso-domains-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SSO_DOMAINS_LIST)
}

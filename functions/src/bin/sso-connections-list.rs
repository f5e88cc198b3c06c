//! The Lambda function `sso-connections-list`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SSO_CONNECTIONS_LIST)
}

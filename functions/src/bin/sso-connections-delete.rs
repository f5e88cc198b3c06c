//! The Lambda function `sso-connections-delete`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SSO_CONNECTIONS_DELETE)
}

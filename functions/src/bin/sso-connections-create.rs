//! The Lambda function `sso-connections-create`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SSO_CONNECTIONS_CREATE)
}

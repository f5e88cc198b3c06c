//! The Lambda function `sso-connections-update`.

fn main() -> std::process::ExitCode {
    functions::serve(&functions::registry::SSO_CONNECTIONS_UPDATE)
}

//! The second factor in a request.

use shared::error::{Error, Result};
use shared::mfa::factors::Second;
use shared::mfa::passkeys::AuthenticationAnswer;
use shared::mfa::recovery::RecoveryCode;
use shared::mfa::totp::Code;

/// A request with a second factor and one field of its own. It is one struct and not one within another (serde's
/// `flatten`), which would refuse unknown fields no longer, and name no mistake where it is.
macro_rules! with_second_factor {
    ($(#[$meta:meta])* $name:ident { $($own:tt)* } $(#[$passkey:meta])*) => {
        #[derive(serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        $(#[$meta])*
        pub(crate) struct $name {
            $($own)*,
            /// A code of the authenticator app.
            #[serde(default, deserialize_with = "crate::gateway::present")]
            #[schemars(with = "shared::mfa::totp::Code")]
            code: Option<shared::mfa::totp::Code>,
            /// A recovery code.
            #[serde(default, deserialize_with = "crate::gateway::present")]
            #[schemars(with = "shared::mfa::recovery::RecoveryCode")]
            recovery_code: Option<shared::mfa::recovery::RecoveryCode>,
            $(#[$passkey])*
            #[serde(default, deserialize_with = "crate::gateway::present")]
            #[schemars(with = "shared::mfa::passkeys::AuthenticationAnswer")]
            passkey: Option<shared::mfa::passkeys::AuthenticationAnswer>,
        }
    };
}
pub(crate) use with_second_factor;

/// The one second factor that was shown, if any.
pub(crate) fn shown(
    code: Option<Code>,
    recovery_code: Option<RecoveryCode>,
    passkey: Option<AuthenticationAnswer>,
) -> Result<Option<Second>> {
    let passkey = passkey.map(Box::new);
    match (code, recovery_code, passkey) {
        (None, None, None) => Ok(None),
        (Some(code), None, None) => Ok(Some(Second::Code(code))),
        (None, Some(code), None) => Ok(Some(Second::RecoveryCode(code))),
        (None, None, Some(answer)) => Ok(Some(Second::Passkey(answer))),
        _ => Err(Error::invalid("", "Send one factor only.")),
    }
}

//! `GET /v1/me/factors`

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::ids::PasskeyId;
use shared::mfa::factors::{self, Factors};
use shared::mfa::passkeys::PasskeyName;

use crate::gateway::Answer;
use crate::registry::MemberCall;

/// The factors of an account besides its password. Nothing of it is secret.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FactorsResponse {
    /// Whether signing in needs one of them.
    second_factor: bool,
    /// The authenticator app, once its secret was made.
    totp: Option<TotpResponse>,
    /// The passkeys, the oldest first.
    passkeys: Vec<PasskeyResponse>,
    /// How many recovery codes are left.
    recovery_codes_left: usize,
}

/// An authenticator app.
#[derive(Serialize, JsonSchema)]
struct TotpResponse {
    /// When its secret was made.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
    /// When a code of it was shown first; before, it is no factor.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    confirmed_at: Option<Timestamp>,
}

/// A passkey.
#[derive(Serialize, JsonSchema)]
struct PasskeyResponse {
    /// The passkey.
    id: PasskeyId,
    /// How the user calls it.
    name: PasskeyName,
    /// When it was registered.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
    /// When it was last used.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    used_at: Option<Timestamp>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let factors = Factors::of_member(&call.ctx, &call.member).await?;
    Answer::json(200, &FactorsResponse::new(factors)?)
}

impl FactorsResponse {
    fn new(factors: Factors) -> Result<Self> {
        let recovery_codes_left = factors.codes_left();
        let totp = factors.totp.map(|item| TotpResponse {
            created_at: item.facts.created_at,
            confirmed_at: item.facts.confirmed_at,
        });
        let passkeys = factors.passkeys.into_iter().map(|item| {
            Ok(PasskeyResponse {
                id: factors::id_of(&item)?,
                name: item.payload.name,
                created_at: item.facts.created_at,
                used_at: item.facts.used_at,
            })
        });
        Ok(Self {
            second_factor: factors.user.facts.second_factor,
            totp,
            passkeys: passkeys.collect::<Result<_>>()?,
            recovery_codes_left,
        })
    }
}

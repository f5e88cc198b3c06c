//! `POST /v1/me/step-up`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::password::PlainPassword;
use shared::error::{Error, Result};
use shared::ids::ActorId;
use shared::keys::{Key, Tenant};
use shared::mfa::passkeys::AuthenticationAnswer;
use shared::mfa::recovery::RecoveryCode;
use shared::mfa::step_up::{self, Shown};
use shared::mfa::totp::Code;

use crate::auth::{self, SessionResponse};
use crate::gateway::{Answer, Request};
use crate::registry::MemberCall;

/// Exactly one factor. The password will do where the account has no second factor.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepUpRequest {
    /// The password.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "PlainPassword")]
    password: Option<PlainPassword>,
    /// A code of the authenticator app.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "Code")]
    code: Option<Code>,
    /// A recovery code.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "RecoveryCode")]
    recovery_code: Option<RecoveryCode>,
    /// The browser's answer to the options of `POST /v1/me/step-up/passkey`.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "AuthenticationAnswer")]
    passkey: Option<AuthenticationAnswer>,
}

pub(crate) fn needs(_: Tenant, actor: ActorId, _: &Request) -> Result<Vec<Key>> {
    Ok(match actor {
        ActorId::User(user) => step_up::keys_of(user),
        ActorId::Service(_) => Vec::new(),
    })
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: StepUpRequest = call.request.json()?;
    let shown = request.shown()?;
    let issued = step_up::finish(&call.ctx, &call.member, &shown, call.request.source()).await?;
    SessionResponse::answer(issued)
}

impl StepUpRequest {
    fn shown(self) -> Result<Shown> {
        let second = auth::second([
            self.code.map(auth::code),
            self.recovery_code.map(auth::recovery_code),
            self.passkey.map(auth::passkey),
        ]);
        match (self.password, second) {
            (Some(password), Ok(None)) => Ok(Shown::Password(password)),
            (None, Ok(Some(second))) => Ok(Shown::Second(second)),
            _ => Err(Error::invalid(
                "",
                "Send exactly one of password, code, recovery_code and passkey.",
            )),
        }
    }
}

//! `POST /v1/me/step-up`

use shared::accounts::password::PlainPassword;
use shared::error::{Error, Result};
use shared::ids::ActorId;
use shared::keys::{Key, Tenant};
use shared::mfa::step_up::{self, Shown};

use crate::auth::SessionResponse;
use crate::auth::second::{self, with_second_factor};
use crate::gateway::{Answer, Request};
use crate::registry::MemberCall;

with_second_factor! {
    /// Exactly one factor. The password will do where the account has no second factor.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
    StepUpRequest {
        /// The password.
        #[serde(default, deserialize_with = "crate::gateway::present")]
        #[schemars(with = "PlainPassword")]
        password: Option<PlainPassword>
    }
    /// The browser's answer to the options of `POST /v1/me/step-up/passkey`.
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
        let second = second::shown(self.code, self.recovery_code, self.passkey);
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

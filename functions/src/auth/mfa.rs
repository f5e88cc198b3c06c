//! `POST /v1/auth/mfa`

use shared::error::{Error, Result};
use shared::mfa::pending;

use super::second::{self, with_second_factor};
use crate::gateway::Answer;
use crate::registry::Call;

with_second_factor! {
    /// A second factor: exactly one.
    #[schemars(extend("minProperties" = 2, "maxProperties" = 2))]
    MfaRequest {
        /// The token of the sign-in that waits.
        mfa_token: String
    }
    /// The browser's answer to the options of the sign-in.
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let request: MfaRequest = call.request.json()?;
    let one = || Error::invalid("", "Send exactly one of code, recovery_code and passkey.");
    let shown = second::shown(request.code, request.recovery_code, request.passkey)?.ok_or_else(one)?;
    let issued = pending::finish(&call.ctx, &request.mfa_token, &shown, call.request.source()).await?;
    super::SessionResponse::answer(issued)
}

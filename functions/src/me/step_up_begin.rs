//! `POST /v1/me/step-up/passkey`

use shared::error::Result;
use shared::mfa::step_up;

use crate::factors::OptionsResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let public_key = step_up::begin(&call.ctx, &call.member).await?;
    Answer::json(200, &OptionsResponse { public_key })
}

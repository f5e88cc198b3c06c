//! `POST /v1/auth/passkeys`

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::mfa::passkey_sign_in;
use shared::mfa::passkeys::Options;

use crate::gateway::Answer;
use crate::registry::Call;

/// A sign-in that waits for a passkey.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PasskeyCeremony {
    /// To be sent back with the answer.
    ceremony: String,
    /// For the browser.
    #[serde(rename = "publicKey")]
    public_key: Options,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let begun = passkey_sign_in::begin(&call.ctx).await?;
    let response = PasskeyCeremony {
        ceremony: begun.ceremony,
        public_key: begun.options,
    };
    Answer::json(200, &response)
}

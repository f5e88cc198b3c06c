//! Registration, sign-in, sign-out.

pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod resend_verification;
pub(crate) mod verify_email;

use schemars::JsonSchema;
use serde::Serialize;
use shared::accounts::store::Tokens;
use shared::accounts::token::LIFETIME;
use shared::error::Result;

use crate::gateway::Answer;

/// The request was taken; a mail says more.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Accepted {
    /// What happens next.
    message: &'static str,
}

impl Accepted {
    fn answer(message: &'static str) -> Result<Answer> {
        Answer::json(202, &Self { message })
    }
}

/// Tokens of a session.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TokensResponse {
    /// `Bearer`.
    token_type: &'static str,
    /// A JWT for the `Authorization` header.
    access_token: String,
    /// For how many seconds it is good.
    expires_in: i64,
    /// Good once, for new tokens.
    refresh_token: String,
}

impl TokensResponse {
    fn answer(tokens: Tokens) -> Result<Answer> {
        let response = Self {
            token_type: "Bearer",
            access_token: tokens.access_token,
            expires_in: LIFETIME.as_secs(),
            refresh_token: tokens.refresh_token,
        };
        Answer::json(200, &response)
    }
}

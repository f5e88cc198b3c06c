//! Registration, sign-in, sign-out.

pub(crate) mod confirm_email;
pub(crate) mod forgot_password;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod mfa;
pub(crate) mod passkey_begin;
pub(crate) mod passkey_finish;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod resend_verification;
pub(crate) mod reset_password;
pub(crate) mod second;
pub(crate) mod sso_begin;
pub(crate) mod sso_callback;
pub(crate) mod verify_email;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::accounts::sessions::{Form, Issued};
use shared::accounts::token::LIFETIME;
use shared::auth::COOKIE;
use shared::error::{Result, Violations};
use shared::policy::Policy;

use crate::gateway::Answer;

/// The request was taken; a mail says more.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Accepted {
    /// What happens next.
    message: &'static str,
}

impl Accepted {
    pub(crate) fn answer(message: &'static str) -> Result<Answer> {
        Answer::json(202, &Self { message })
    }
}

/// Checks what everybody who gets an account must confirm: their age, and the policy that is current.
pub(crate) fn check_terms(violations: &mut Violations, policy: &Policy, (age, version): (u8, &str)) {
    let minimum = policy.minimum_age();
    if age < minimum {
        violations.push(
            "/age_confirmed",
            format!("The service is for people of {minimum} and over."),
        );
    }
    let current = policy.version();
    if version != current.to_string() {
        violations.push(
            "/policy_version",
            format!("The current version is {current}; read it at GET /v1/policy."),
        );
    }
}

/// An answer that also gives a session that is in a cookie.
pub(crate) fn carried(answer: Answer, session: &Issued) -> Answer {
    match session {
        Issued::Cookie { value, max_age } => answer.cookie(COOKIE, value, *max_age),
        Issued::Bearer { .. } => answer,
    }
}

/// In what form a client wants its session.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionForm {
    /// Tokens in the answer, for clients that send them in the `Authorization` header.
    #[default]
    Bearer,
    /// A cookie, for browsers.
    Cookie,
}

impl From<SessionForm> for Form {
    fn from(form: SessionForm) -> Self {
        match form {
            SessionForm::Bearer => Self::Bearer,
            SessionForm::Cookie => Self::Cookie,
        }
    }
}

/// A session. With a cookie there are no tokens in the body.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SessionResponse {
    /// `Bearer` or `Cookie`.
    token_type: &'static str,
    /// A JWT for the `Authorization` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// For how many seconds the access token, or the cookie, is good.
    expires_in: i64,
    /// Good once, for new tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl SessionResponse {
    pub(crate) fn answer(issued: Issued) -> Result<Answer> {
        match issued {
            Issued::Bearer {
                access_token,
                refresh_token,
            } => {
                let response = Self {
                    token_type: "Bearer",
                    access_token: Some(access_token),
                    expires_in: LIFETIME.as_secs(),
                    refresh_token: Some(refresh_token),
                };
                Answer::json(200, &response)
            }
            Issued::Cookie { value, max_age } => {
                let response = Self {
                    token_type: "Cookie",
                    access_token: None,
                    expires_in: max_age,
                    refresh_token: None,
                };
                Ok(Answer::json(200, &response)?.cookie(COOKIE, &value, max_age))
            }
        }
    }
}

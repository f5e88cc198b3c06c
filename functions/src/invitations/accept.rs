//! `POST /v1/auth/accept-invitation`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::model::PersonName;
use shared::accounts::password::PlainPassword;
use shared::error::{Result, Violations};
use shared::limits;
use shared::members::accept::{self, NewPerson};

use crate::gateway::Answer;
use crate::me::PlaceResponse;
use crate::registry::Call;

/// A code, and who accepts it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptRequest {
    /// The code from the mail.
    code: String,
    /// The person's name.
    name: PersonName,
    /// At least 15 characters; any characters.
    password: PlainPassword,
    /// The age that the person confirms to have reached: at least the policy's `minimum_age`.
    age_confirmed: u8,
    /// The version of the policy that the person accepts: the current one of `GET /v1/policy`.
    policy_version: String,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let request: AcceptRequest = call.request.json()?;
    let policy = call.ctx.policy();
    let mut violations = Violations::default();
    crate::auth::check_terms(
        &mut violations,
        policy,
        (request.age_confirmed, &request.policy_version),
    );
    violations.into_result()?;
    let person = NewPerson {
        name: request.name,
        password: request.password,
        age_confirmed: request.age_confirmed,
        policy_version: policy.version().clone(),
    };
    limits::count(&call.ctx, &limits::CODES_OF_SOURCE, &call.request.limited()).await?;
    let (code, source) = (request.code.trim(), call.request.source());
    let mut joined = accept::as_new_person(&call.ctx, code, person, source).await?;
    let session = joined.session.take();
    let answer = Answer::json(201, &PlaceResponse::of_joined(joined))?;
    Ok(match session {
        Some(session) => crate::auth::carried(answer, &session),
        None => answer,
    })
}

//! `POST /v1/auth/register`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::accounts::model::PersonName;
use shared::accounts::password::{Context, PlainPassword};
use shared::accounts::store::{self, Registration};
use shared::email::Email;
use shared::error::{Result, Violations};
use shared::limits;
use shared::outbox::send;
use shared::policy::Policy;
use shared::text::Line;

use crate::gateway::Answer;
use crate::registry::Call;

/// A registration.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterRequest {
    /// The person's name.
    name: PersonName,
    /// The person's address; a code is sent to it.
    email: Email,
    /// The organisation's name.
    company: Line<200>,
    /// At least 15 characters; any characters.
    password: PlainPassword,
    /// The age that the person confirms to have reached: at least the policy's `minimum_age`.
    age_confirmed: u8,
    /// The version of the policy that the person accepts: the current one of `GET /v1/policy`.
    policy_version: String,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let registration = check(call.request.json()?, call.ctx.policy())?;
    let (source, address) = (call.request.limited(), registration.email.canonical());
    tokio::try_join!(
        limits::count(&call.ctx, &limits::REGISTRATIONS_OF_SOURCE, &source),
        limits::count(&call.ctx, &limits::MAILS_TO_ADDRESS, &address)
    )?;
    let outgoing = store::register(&call.ctx, registration).await?;
    send::send_now(&call.ctx, &outgoing).await;
    super::Accepted::answer("We sent a mail to this address. It says how to go on.")
}

fn check(request: RegisterRequest, policy: &Policy) -> Result<Registration> {
    let mut violations = Violations::default();
    violations.check(
        "/password",
        request.password.may_be_chosen(&Context {
            email: &request.email,
            names: &[request.company.as_str(), policy.controller().name()],
            has_second_factor: false,
        }),
    );
    super::check_terms(
        &mut violations,
        policy,
        (request.age_confirmed, &request.policy_version),
    );
    violations.into_result()?;
    Ok(Registration {
        name: request.name,
        email: request.email,
        company: request.company,
        password: request.password,
        age_confirmed: request.age_confirmed,
        policy_version: policy.version().clone(),
    })
}

//! `POST /v1/auth/sso`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::egress::dns::Domain;
use shared::email::Email;
use shared::error::{Error, Result};
use shared::ids::{ConnectionId, OrgId};
use shared::limits;
use shared::sso::model::Purpose;
use shared::sso::{ReturnTo, connections, flows};

use crate::gateway::Answer;
use crate::registry::Call;
use crate::sso::DepartureResponse;

/// Who wants to sign in: an address, or a connection that its organisation named.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "oneOf" = [{ "required": ["email"] }, { "required": ["organisation_id", "connection_id"] }],
    "dependentRequired" = { "organisation_id": ["connection_id"], "connection_id": ["organisation_id"] },
))]
pub(crate) struct SsoRequest {
    /// An address of a domain that an organisation has proved. Nobody learns whether it has an account.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "Email")]
    email: Option<Email>,
    /// The organisation, with `connection_id`.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "OrgId")]
    organisation_id: Option<OrgId>,
    /// One of its connections.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "ConnectionId")]
    connection_id: Option<ConnectionId>,
    /// The path of the page that follows. What is none of ours becomes `/`.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "String")]
    return_to: Option<String>,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    let request: SsoRequest = call.request.json()?;
    let through = match (&request.email, request.organisation_id, request.connection_id) {
        (Some(_), None, None) | (None, Some(_), Some(_)) => {
            limits::count(&call.ctx, &limits::SIGN_INS_OF_SOURCE, &call.request.limited()).await?;
            find(&call, &request).await?
        }
        _ => {
            let detail = "Send either email, or organisation_id and connection_id.";
            return Err(Error::invalid("", detail));
        }
    };
    let through = through.filter(|through| through.item.payload.connection.enabled);
    let return_to = ReturnTo::parse(request.return_to.as_deref());
    let through = through.ok_or(Error::NotFound)?;
    let departure = flows::begin(&call.ctx, &through, Purpose::SignIn, return_to).await?;
    DepartureResponse::answer(&call.ctx, departure)
}

async fn find(call: &Call, request: &SsoRequest) -> Result<Option<connections::Opened>> {
    if let Some((org, id)) = request.organisation_id.zip(request.connection_id) {
        return connections::read(&call.ctx, org, id).await;
    }
    let domain = request.email.as_ref().map(|email| Domain::parse(email.domain()));
    match domain {
        Some(Ok(domain)) => connections::of_domain(&call.ctx, &domain).await,
        _ => Ok(None),
    }
}

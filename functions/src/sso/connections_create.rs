//! `POST /v1/organisation/connections`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::Result;
use shared::sso::connections;
use shared::sso::model::{ClientId, ClientSecret, Kind};

use super::ConnectionResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// A connection.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionRequest {
    /// What kind of provider it is, and for whom it may speak.
    provider: Kind,
    /// The issuer of a provider of the kind `oidc`; the other kinds have one of their own.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "String", extend("format" = "uri"))]
    issuer: Option<String>,
    /// Who we are at the provider.
    client_id: ClientId,
    /// What proves to the provider that it is us.
    client_secret: ClientSecret,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let request: ConnectionRequest = call.request.json()?;
    let wanted = (request.provider, request.issuer.as_deref(), request.client_id);
    let item = connections::create(&call.ctx, &call.member, wanted, request.client_secret).await?;
    let version = item.version;
    Ok(Answer::json(201, &ConnectionResponse::new(&call.ctx, item)?)?.etag(version))
}

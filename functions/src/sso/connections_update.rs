//! `PATCH /v1/organisation/connections/{connection_id}`

use schemars::JsonSchema;
use serde::Deserialize;
use shared::error::Result;
use shared::sso::connections::{self, Change};
use shared::sso::model::{ClientId, ClientSecret};

use super::ConnectionResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// What may be changed; what is absent stays. Another provider is another connection.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionPatch {
    /// Whether people may sign in through it.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "bool")]
    enabled: Option<bool>,
    /// Who we are at the provider.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "ClientId")]
    client_id: Option<ClientId>,
    /// What proves to the provider that it is us.
    #[serde(default, deserialize_with = "crate::gateway::present")]
    #[schemars(with = "ClientSecret")]
    client_secret: Option<ClientSecret>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let patch: ConnectionPatch = call.request.json()?;
    let item = connections::named(&call.member, call.request.param("connection_id")?)?;
    call.request.must_match(item.version)?;
    let change = Change {
        enabled: patch.enabled,
        client_id: patch.client_id,
        secret: patch.client_secret,
    };
    let item = connections::update(&call.ctx, &call.member, item, change).await?;
    let version = item.version;
    Ok(Answer::json(200, &ConnectionResponse::new(&call.ctx, item)?)?.etag(version))
}

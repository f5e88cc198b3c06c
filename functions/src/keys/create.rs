//! `POST /v1/service-accounts/{service_account_id}/keys`

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::accounts::store as accounts;
use shared::auth::{Action, RecordScope};
use shared::error::Result;
use shared::ids::ActorId;
use shared::keys::{Key, Tenant};
use shared::outbox::send;
use shared::records::model::Kind;
use shared::service_accounts::api_keys::{self, NewKey};
use shared::service_accounts::{rules, store};
use shared::text::Line;

use super::KeyResponse;
use crate::gateway::{Answer, Request};
use crate::registry::MemberCall;

/// An API key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRequest {
    /// What people call it.
    name: Line<100>,
    /// What it may do: no more than who creates it.
    scopes: Scopes,
    /// Until when it is good, at most 366 days ahead.
    #[schemars(with = "String", extend("format" = "date-time"))]
    expires_at: Timestamp,
}

/// What a key may do.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Scopes {
    /// The actions.
    #[schemars(schema_with = "actions_schema")]
    actions: Vec<Action>,
    /// Whose records: all, or only those that the service account created.
    #[serde(default)]
    records: RecordScope,
    /// Records of which kinds; all when absent.
    #[serde(default)]
    #[schemars(length(min = 1))]
    kinds: Option<Vec<Kind>>,
}

fn actions_schema(_: &mut SchemaGenerator) -> Schema {
    let names = Action::names(Action::fits_api_key);
    let item = json!({ "type": "string", "enum": names });
    json_schema!({ "type": "array", "items": item, "minItems": 1, "uniqueItems": true })
}

/// A new API key.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CreatedKey {
    /// The key itself, for the `Authorization` header. It is shown here and nowhere else.
    key: String,
    /// What of it can be seen later.
    #[serde(flatten)]
    stored: KeyResponse,
}

pub(crate) fn needs(tenant: Tenant, actor: ActorId, request: &Request) -> Result<Vec<Key>> {
    let mut keys = crate::services::needs(tenant, actor, request)?;
    keys.extend(crate::me::needs(tenant, actor, request)?);
    Ok(keys)
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let CreateRequest {
        name,
        scopes,
        expires_at,
    } = call.request.json()?;
    let (service, now) = (call.request.param("service_account_id")?, call.ctx.now());
    store::read(&call.member, service)?;
    let kinds = scopes.kinds.as_deref();
    let new = NewKey {
        service,
        name,
        scopes: rules::check(&scopes.actions, scopes.records, kinds, (now, expires_at))?,
        expires_at,
    };
    let creator = accounts::read(&call.member)?.payload;
    let (item, key, outgoing) = api_keys::create(&call.ctx, &call.member, new, &creator).await?;
    send::send_now(&call.ctx, &outgoing).await;
    let stored = KeyResponse::new(call.member.permit.org(), item, None)?;
    Answer::json(201, &CreatedKey { key, stored })
}

//! Sign-ins that are under way at a provider: begun, and taken away by whoever comes back first.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::connections::{self, Opened};
use super::model::{Flow, Purpose};
use super::{Failure, ReturnTo, rules};
use crate::accounts::token::{OpaqueSecret, digest_of};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::{ConnectionId, OrgId};
use crate::keys;
use crate::store::{Item, Transaction};

/// The name of the cookie that ties a flow to the browser that began it.
pub const COOKIE: &str = "__Host-session_sso";

/// The clear part of a flow: where to look for what opens the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowFacts {
    /// The organisation.
    pub org: OrgId,
    /// Its connection.
    pub connection: ConnectionId,
    /// Unix seconds after which it is over, for DynamoDB's housekeeping.
    pub ttl: i64,
}

/// What a browser needs that goes to a provider.
pub struct Departure {
    /// Where it goes.
    pub url: Url,
    /// The value of the flow's cookie.
    pub cookie: OpaqueSecret,
    /// Until when it must be back.
    pub expires_at: Timestamp,
}

/// Begins a flow. The whole of it is sealed with the organisation's account: where the browser goes afterwards may say
/// what somebody looks at.
///
/// # Errors
/// [`Error::Unavailable`] when the provider is not reached, or what it publishes is not usable.
pub async fn begin(ctx: &Ctx, through: &Opened, purpose: Purpose, return_to: ReturnTo) -> Result<Departure> {
    let (now, entropy) = (ctx.now(), ctx.entropy.as_ref());
    let connection = &through.item.payload.connection;
    let provider = ctx.providers().provider(ctx.egress(), connection, now).await;
    let provider = provider.map_err(|failure| match failure {
        Failure::Refused(refused) => {
            Error::unavailable(format!("an identity provider is not usable: {refused}"))
        }
        Failure::Unavailable(failure) => failure.into(),
    })?;
    let (redirect_uri, wanted) = (connections::redirect_uri(ctx), (purpose, return_to));
    let begun = rules::begin(
        (through.id, connection),
        &provider,
        &redirect_uri,
        wanted,
        now,
        entropy,
    );
    let facts = FlowFacts {
        org: through.org,
        connection: through.id,
        ttl: begun.flow.expires_at.as_second(),
    };
    let expires_at = begun.flow.expires_at;
    let item = Item::sealed(keys::sso_flow(&begun.state.digest()), facts, begun.flow);
    let mut transaction = Transaction::new();
    transaction.create_sealed("flow", &item, &through.key, entropy)?;
    ctx.store.commit(transaction, entropy).await?;
    Ok(Departure {
        url: begun.url,
        cookie: begun.cookie,
        expires_at,
    })
}

/// Takes the flow of a `state` away, with its connection as it is now; `None` when there is none, or no connection any
/// more. It is gone whatever comes of it: of any number that come back with it at one moment, one has it (F-28).
///
/// # Errors
/// When the store does not answer.
pub async fn take(ctx: &Ctx, state: &str) -> Result<Option<(Flow, Opened)>> {
    let Some(raw) = ctx.store.take(&keys::sso_flow(&digest_of(state))).await? else {
        return Ok(None);
    };
    let facts = raw.facts::<Flow>()?;
    let Some(through) = connections::read(ctx, facts.org, facts.connection).await? else {
        return Ok(None);
    };
    let flow = raw.open::<Flow>(&through.key)?.payload;
    Ok(Some((flow, through)))
}

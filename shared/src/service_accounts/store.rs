//! Service accounts and API keys in the tables.

use std::collections::HashMap;

use super::model::{ApiKeyFacts, ApiKeyProfile, KeyUse};
use crate::accounts::sessions::TOUCHED_EVERY;
use crate::accounts::token::same_digest;
use crate::auth::ApiKey;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::keys::{self, Key, Tenant};
use crate::store::{Condition, Item, Raw, Transaction};

/// How long the last use of a key is remembered.
const REMEMBERED: jiff::SignedDuration = jiff::SignedDuration::from_hours(400 * 24);

/// The key that was shown, if it is good; its use is noted at most once a minute.
///
/// # Errors
/// [`Error::Unauthenticated`] for a key that is unknown, revoked or expired; which, is nobody's business.
pub(crate) async fn identify(
    ctx: &Ctx,
    shown: &ApiKey,
    found: &HashMap<Key, Raw>,
    tenant: Tenant,
) -> Result<ApiKeyFacts> {
    const REFUSED: Error = Error::Unauthenticated("The API key is not valid or has expired.");
    let (now, id) = (ctx.now(), shown.ids().1);
    let raw = found.get(&keys::api_key(tenant, id)).ok_or(REFUSED)?;
    let facts = raw.facts::<ApiKeyProfile>()?;
    if !same_digest(&shown.digest(), &facts.digest) || facts.expires_at <= now {
        return Err(REFUSED);
    }
    let last = found
        .get(&keys::api_key_use(id))
        .map(Raw::decode::<KeyUse>)
        .transpose()?;
    let used_at = last.map_or(i64::MIN, |item| item.facts.used_at);
    if now.as_millisecond().saturating_sub(used_at) >= TOUCHED_EVERY {
        let used = KeyUse {
            used_at: now.as_millisecond(),
            ttl: now.saturating_add(REMEMBERED).unwrap_or(now).as_second(),
        };
        let mut transaction = Transaction::new();
        let anything = Condition::absent().or(Condition::present());
        transaction.put_if("use", &Item::plain(keys::api_key_use(id), used), &anything)?;
        ctx.store.commit(transaction, ctx.entropy.as_ref()).await?;
    }
    Ok(facts)
}

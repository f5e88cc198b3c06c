//! Challenges of passkeys for a known user: one at a time for each purpose, good once, for five minutes.

use super::model::{CeremonyFacts, WAITS};
use crate::auth::Member;
use crate::ctx::Ctx;
use crate::entropy;
use crate::error::Result;
use crate::ids::UserId;
use crate::keys;
use crate::seal::DataKey;
use crate::store::{Condition, Item, Transaction};
use crate::stored::Stored;

/// Registering a passkey.
pub(super) const REGISTRATION: &str = "PASSKEY";

/// Showing one to a session.
pub(super) const STEP_UP: &str = "STEPUP";

/// Writes a challenge in the place of an older one.
pub(super) async fn put<T>(
    ctx: &Ctx,
    (user, key): (UserId, &DataKey),
    purpose: &'static str,
    state: T,
) -> Result<()>
where
    T: Stored<Facts = CeremonyFacts, Payload = T>,
{
    let entropy = ctx.entropy.as_ref();
    let expires_at = ctx.now().saturating_add(WAITS).unwrap_or(ctx.now());
    let facts = CeremonyFacts {
        nonce: hex::encode(entropy::bytes::<16>(entropy)),
        expires_at,
        ttl: expires_at.as_second(),
    };
    let item = Item::sealed(keys::one_time(user, purpose), facts, state);
    let mut transaction = Transaction::new();
    let anyway = Condition::absent().or(Condition::present());
    transaction.put_sealed_if("ceremony", &item, key, entropy, &anyway)?;
    Ok(ctx.store.commit(transaction, entropy).await?)
}

/// The newest challenge of the member who asks, if it can still be answered.
pub(super) fn read<T>(ctx: &Ctx, member: &Member, purpose: &'static str) -> Result<Option<Item<T>>>
where
    T: Stored<Facts = CeremonyFacts, Payload = T>,
{
    let person = member.person()?;
    let Some(raw) = member.optional(&keys::one_time(person.user, purpose)) else {
        return Ok(None);
    };
    // Another purpose never lies here, and the type is checked when it is opened.
    let item = raw.open::<T>(&person.key)?;
    Ok(Some(item).filter(|item| item.facts.expires_at > ctx.now()))
}

/// Adds that a challenge was answered. Of two answers at one moment one is rejected at `ceremony`.
pub(super) fn end<T>(transaction: &mut Transaction, item: &Item<T>)
where
    T: Stored<Facts = CeremonyFacts>,
{
    let unused = Condition::text("nonce", item.facts.nonce.clone());
    transaction.delete_if("ceremony", &item.key, &unused);
}

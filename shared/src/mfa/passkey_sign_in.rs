//! Signing in with a passkey alone: it is two factors, and says itself whose it is.

use super::factors::{self, Checked, Factors, refusal, relying_party};
use super::model::{Challenge, WAITS};
use super::passkeys::{AuthenticationAnswer, Options, PasskeyGuard, SignIn};
use crate::accounts::model::SignInMethod;
use crate::accounts::sessions::{Form, Issued};
use crate::accounts::sign_in::{self, Verified};
use crate::auth::Level;
use crate::ctx::Ctx;
use crate::entropy;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::keys;
use crate::source::Source;
use crate::store::{Condition, Item, Transaction};
use crate::unit::UnitId;

/// The answer to whatever is wrong.
const REFUSED: Error =
    Error::Unauthenticated("This passkey opens nothing here, or the sign-in took too long.");

/// A sign-in that waits for a passkey.
pub struct Begun {
    /// Names the ceremony.
    pub ceremony: String,
    /// The options for the browser.
    pub options: Options,
}

/// The length of a ceremony's name: 32 random bytes in hex.
const NAME: usize = 64;

/// Makes a challenge for whoever has a passkey.
///
/// # Errors
/// When the store does not answer.
pub async fn begin(ctx: &Ctx) -> Result<Begun> {
    let (options, state) = relying_party(ctx)?
        .begin_sign_in()
        .map_err(|_| Error::internal("a sign-in does not begin"))?;
    let ceremony = hex::encode(entropy::bytes::<32>(ctx.entropy.as_ref()));
    let expires_at = ctx.now().saturating_add(WAITS).unwrap_or(ctx.now());
    let challenge = Challenge {
        state: serde_json::to_string(&state).map_err(|_| Error::internal("a challenge does not encode"))?,
        expires_at,
        ttl: expires_at.as_second(),
    };
    let item = Item::plain(keys::ceremony(&ceremony), challenge);
    ctx.store.put(&item, &Condition::absent()).await?;
    Ok(Begun { ceremony, options })
}

/// Takes the answer, and gives a session to whose passkey it is. A challenge is good for one answer, right or wrong
/// (B-32).
///
/// # Errors
/// [`Error::Unauthenticated`], always the same.
pub async fn finish(
    ctx: &Ctx,
    ceremony: &str,
    answer: &AuthenticationAnswer,
    form: Form,
    source: &Source,
) -> Result<Issued> {
    let state = take(ctx, ceremony).await?;
    let root = ctx.root().await?;
    let guard = keys::passkey_guard(&answer.digest(root));
    let guard = ctx.store.get_one(&guard).await?.ok_or(REFUSED)?;
    let user = guard.decode::<PasskeyGuard>()?.facts.user;
    let unit = UnitId::User(user);
    let data_key = keys::data_key(unit);
    let mut wanted = factors::keys(user);
    wanted.push(data_key.clone());
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let key = units::usable_key(found.get(&data_key), unit, root)?.ok_or(REFUSED)?;
    let factors = Factors::of_found(ctx, user, &key, &found).await?;
    let party = relying_party(ctx)?;
    let mut transaction = Transaction::new();
    let checked = factors
        .check_passkey(ctx, &key, answer, &mut transaction, |credential| {
            party.finish_sign_in(user, state, answer, credential)
        })
        .await?;
    if checked == Checked::Wrong || !factors.user.facts.verified {
        return Err(REFUSED);
    }
    let verified = Verified {
        user,
        org: factors.user.facts.org,
        facts: factors.user.facts,
        key,
        method: SignInMethod::Passkey,
        level: Level::Aal2,
    };
    let issued = sign_in::complete(ctx, transaction, &verified, form, source).await;
    issued.map_err(|error| match error {
        Error::Unauthenticated(_) => REFUSED,
        other => other,
    })
}

/// Takes a challenge away, for the one answer that comes first.
async fn take(ctx: &Ctx, ceremony: &str) -> Result<SignIn> {
    let is_name = ceremony.len() == NAME && ceremony.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_name {
        refusal(super::passkeys::Refused { reason: "ceremony" });
        return Err(REFUSED);
    }
    let key = keys::ceremony(ceremony);
    let found = ctx.store.get_one(&key).await?.ok_or(REFUSED)?;
    let challenge = found.decode::<Challenge>()?.facts;
    let mut transaction = Transaction::new();
    transaction.delete_if("ceremony", &key, &Condition::present());
    match ctx.store.commit(transaction, ctx.entropy.as_ref()).await {
        Ok(()) => {}
        Err(crate::store::Commit::Rejected(_)) => return Err(REFUSED),
        Err(crate::store::Commit::Failed(error)) => return Err(error),
    }
    if challenge.expires_at <= ctx.now() {
        return Err(REFUSED);
    }
    serde_json::from_str(&challenge.state).map_err(|_| Error::internal("a challenge does not decode"))
}

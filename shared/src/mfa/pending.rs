//! Signing in with a second factor: what a right password opens is only a sign-in that waits for it (B-10).

use super::factors::{self, Checked, Factors, Second, relying_party};
use super::failure;
use super::model::{Factor, PendingFacts, PendingSignIn, WAITS};
use super::passkeys::Options;
use crate::accounts::model::SignInMethod;
use crate::accounts::sessions::{Form, Issued};
use crate::accounts::sign_in::{self, Verified};
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::{Level, PendingToken};
use crate::ctx::Ctx;
use crate::entropy;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::SessionId;
use crate::keys::{self, Key};
use crate::outbox::send::{self, Outgoing};
use crate::outbox::templates::Template;
use crate::seal::DataKey;
use crate::softlock;
use crate::source::Source;
use crate::store::{Condition, Item, Transaction, Update};
use crate::unit::UnitId;

/// How many second factors a sign-in takes; after that the password has to be shown again (B-07).
pub const MAX_TRIES: u64 = 5;

const REFUSED: Error = Error::Unauthenticated(
    "The second factor is wrong, or was used already, or the sign-in is over: show the password again.",
);

/// A sign-in that waits for a second factor.
pub struct Waiting {
    /// For its holder: what it opens is this sign-in only.
    pub token: String,
    /// What can be shown.
    pub methods: Vec<Factor>,
    /// The options for the user's passkeys.
    pub passkey: Option<Options>,
}

/// Begins to wait for the second factor of who has shown the password.
///
/// # Errors
/// When the store does not answer.
pub async fn begin(ctx: &Ctx, verified: &Verified, password_version: u64, form: Form) -> Result<Waiting> {
    let factors = Factors::read(ctx, verified.user, &verified.key).await?;
    let credentials = factors.credentials();
    let (mut options, mut challenge) = (None, None);
    if !credentials.is_empty() {
        let begun = relying_party(ctx)?.begin_authentication(verified.user, &credentials);
        let begun = begun.map_err(|_| Error::internal("the passkeys of a user make no challenge"))?;
        (options, challenge) = (Some(begun.0), Some(begun.1));
    }
    let entropy = ctx.entropy.as_ref();
    let id = SessionId::from_bits(u128::from_be_bytes(entropy::bytes(entropy)));
    let token = PendingToken::new((verified.user, id), entropy);
    let expires_at = ctx.now().saturating_add(WAITS).unwrap_or(ctx.now());
    let facts = PendingFacts {
        digest: token.digest(),
        form,
        password_version,
        tries: 0,
        expires_at,
        ttl: expires_at.as_second(),
    };
    let payload = PendingSignIn { passkeys: challenge };
    let item = Item::sealed(keys::pending_sign_in(verified.user, id), facts, payload);
    let mut transaction = Transaction::new();
    transaction.create_sealed("pending", &item, &verified.key, entropy)?;
    ctx.store.commit(transaction, entropy).await?;
    Ok(Waiting {
        token: token.reveal(),
        methods: factors.methods(),
        passkey: options,
    })
}

/// What a token opens.
struct Opened {
    item: Item<PendingSignIn>,
    key: DataKey,
    factors: Factors,
}

/// Shows the second factor, and so ends the sign-in with a session.
///
/// # Errors
/// [`Error::Unauthenticated`], always the same; [`Error::TooManyRequests`] while the account is locked.
pub async fn finish(ctx: &Ctx, token: &str, shown: &Second, source: &Source) -> Result<Issued> {
    let token = PendingToken::parse(token).ok_or(REFUSED)?;
    let opened = open(ctx, &token).await?;
    let user = token.ids().0;
    let account = opened.factors.user.facts.email_digest.clone();
    // Both count before anything is verified: tries at the same moment cannot all be free.
    softlock::count(ctx, &account).await?;
    if !count(ctx, &opened.item).await? {
        return Err(REFUSED);
    }
    let mut transaction = Transaction::new();
    let challenge = opened.item.payload.passkeys.as_ref();
    let checked = opened
        .factors
        .check(ctx, &opened.key, shown, challenge, &mut transaction)
        .await?;
    let Checked::Right { codes_left } = checked else {
        let tries = opened.item.facts.tries + 1;
        if tries >= MAX_TRIES {
            transaction.delete("pending", &opened.item.key);
        }
        let owner = (&opened.key, &opened.factors);
        failure::note(ctx, transaction, owner, tries == 1, source).await?;
        return Err(REFUSED);
    };
    let unused = Condition::text("digest", token.digest());
    transaction.delete_if("pending", &opened.item.key, &unused);
    let version = Condition::version(opened.item.facts.password_version);
    transaction.check("password", &keys::password(user), &version);
    let mut mail = None;
    if let Some(left) = codes_left {
        let owner = (&opened.key, &opened.factors);
        mail = Some(recovery_used(ctx, &mut transaction, owner, left, source)?);
    }
    softlock::forget(&mut transaction, &account);
    let form = opened.item.facts.form;
    let verified = Verified {
        user,
        org: opened.factors.user.facts.org,
        facts: opened.factors.user.facts,
        key: opened.key,
        method: SignInMethod::Password,
        level: Level::Aal2,
    };
    let issued = sign_in::complete(ctx, transaction, &verified, form, source).await;
    let issued = issued.map_err(|error| match error {
        Error::Unauthenticated(_) => REFUSED,
        other => other,
    })?;
    if let Some(mail) = mail {
        send::send_now(ctx, &mail).await;
    }
    Ok(issued)
}

async fn open(ctx: &Ctx, token: &PendingToken) -> Result<Opened> {
    let (user, id) = token.ids();
    let unit = UnitId::User(user);
    let (pending, data_key) = (keys::pending_sign_in(user, id), keys::data_key(unit));
    let mut wanted: Vec<Key> = vec![pending.clone(), data_key.clone()];
    wanted.extend(factors::keys(user));
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let key = units::usable_key(found.get(&data_key), unit, ctx.root().await?)?.ok_or(REFUSED)?;
    let item = found.get(&pending).ok_or(REFUSED)?.open::<PendingSignIn>(&key)?;
    let genuine = token.matches(&item.facts.digest);
    if !genuine || item.facts.expires_at <= ctx.now() || item.facts.tries >= MAX_TRIES {
        return Err(REFUSED);
    }
    let factors = Factors::of_found(ctx, user, &key, &found).await?;
    Ok(Opened { item, key, factors })
}

/// Counts a try; `false` when another one came at the same moment, or the sign-in is over.
async fn count(ctx: &Ctx, item: &Item<PendingSignIn>) -> Result<bool> {
    let update = Update::new().add("tries", 1);
    let unchanged = Condition::number("tries", item.facts.tries);
    ctx.store.update(&item.key, update, &unchanged).await
}

/// Adds to the log and to the outbox that a recovery code was used, and how many are left (B-25).
pub(super) fn recovery_used(
    ctx: &Ctx,
    transaction: &mut Transaction,
    (key, factors): (&DataKey, &Factors),
    left: usize,
    source: &Source,
) -> Result<Outgoing> {
    let user = factors.user_id()?;
    let kind = ActivityKind::RecoveryCodeUsed;
    activity::of_account(ctx, transaction, (user, key), kind, None, source)?;
    factors.queue(ctx, transaction, key, Template::RecoveryCodeUsed { left })
}

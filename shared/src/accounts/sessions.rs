//! Sessions: how they begin, live, change hands with their holder's privileges, and end.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::model::{Carrier, Session, SessionFacts, SignInMethod};
use super::refresh::{RefreshToken, Verdict};
use super::store::Account;
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::{CookieToken, Level, Person};
use crate::ctx::Ctx;
use crate::entropy;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::{OrgId, SessionId, UserId};
use crate::keys::{self, Key};
use crate::limits;
use crate::outbox::send;
use crate::outbox::templates::Template;
use crate::seal::DataKey;
use crate::source::Source;
use crate::store::{Commit, Condition, Item, Transaction, Update};
use crate::unit::UnitId;

/// The most sessions of a user; one more ends the oldest (ASVS 7.1.2).
pub const MAX_SESSIONS: usize = 50;

/// How long a transaction may become by sessions that end: what else it does must fit, too.
const MOST_ENDED: usize = 90;

/// How often the last use is noted, in milliseconds.
pub const TOUCHED_EVERY: i64 = 60_000;

/// In what form a client wants its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Access and refresh tokens.
    Bearer,
    /// A cookie.
    Cookie,
}

/// For how long a session lives without being used, and at all.
const fn limits(form: Form) -> (SignedDuration, SignedDuration) {
    match form {
        Form::Bearer => (
            SignedDuration::from_hours(14 * 24),
            SignedDuration::from_hours(30 * 24),
        ),
        Form::Cookie => (SignedDuration::from_hours(12), SignedDuration::from_hours(7 * 24)),
    }
}

impl SessionFacts {
    /// In what form its holder has it.
    pub fn form(&self) -> Form {
        match self.carrier {
            Carrier::Bearer { .. } => Form::Bearer,
            Carrier::Cookie { .. } => Form::Cookie,
        }
    }
}

/// Whether a session is neither over nor idle for too long.
pub fn is_alive(facts: &SessionFacts, now: Timestamp) -> bool {
    let idle = limits(facts.form()).0.as_millis();
    facts.expires_at > now && i128::from(now.as_millisecond() - facts.used_at) < idle
}

/// When the user last showed a factor, or an identity provider last vouched for them.
pub fn authenticated_at(facts: &SessionFacts) -> Timestamp {
    Timestamp::from_millisecond(facts.authenticated_at).unwrap_or(Timestamp::MIN)
}

/// When the user last showed a factor of the account itself.
pub fn own_factor_at(facts: &SessionFacts) -> Timestamp {
    let millis = facts.own_factor_at.unwrap_or(i64::MIN);
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MIN)
}

/// Notes that a session is in use, at most once a minute.
pub(crate) async fn touch(ctx: &Ctx, key: &Key, facts: &SessionFacts) -> Result<()> {
    let now = ctx.now().as_millisecond();
    if now - facts.used_at < TOUCHED_EVERY {
        return Ok(());
    }
    let update = Update::new().set_number("used_at", now);
    // A session that ends at this moment must not come back as a row with nothing but a time in it.
    ctx.store.update(key, update, &Condition::present()).await?;
    Ok(())
}

/// A sign-in that is about to become a session.
#[derive(Debug, Clone, Copy)]
pub struct SignIn<'a> {
    /// The user.
    pub user: UserId,
    /// The organisation that it leads to.
    pub org: OrgId,
    /// How the user signed in.
    pub method: SignInMethod,
    /// How sure it is.
    pub level: Level,
    /// In what form the client wants it.
    pub form: Form,
    /// From where.
    pub source: &'a Source,
}

/// What somebody shows who goes on in another session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing: what the old session knew is as old as it was.
    Nothing,
    /// A factor of the account, after which it is at least this sure.
    Own(Level),
    /// The word of an identity provider, after which it is at least this sure.
    Provider(Level),
}

impl Proof {
    /// How sure a session is after it.
    fn level(self, before: Level) -> Level {
        match self {
            Self::Nothing => before,
            Self::Own(level) | Self::Provider(level) => level.max(before),
        }
    }
}

/// When what happened to a session.
struct Times {
    created_at: Timestamp,
    expires_at: Timestamp,
    /// Unix milliseconds.
    authenticated_at: i64,
    /// Unix milliseconds.
    own_factor_at: Option<i64>,
}

impl Times {
    /// Those of the session that goes on from this one after a proof.
    fn after(before: &SessionFacts, proof: Proof, now: i64) -> Self {
        let (authenticated_at, own_factor_at) = match proof {
            Proof::Nothing => (before.authenticated_at, before.own_factor_at),
            Proof::Own(_) => (now, Some(now)),
            Proof::Provider(_) => (now, before.own_factor_at),
        };
        Self {
            created_at: before.created_at,
            expires_at: before.expires_at,
            authenticated_at,
            own_factor_at,
        }
    }
}

/// A session that a transaction begins; what its holder gets is made when it is committed.
pub struct Begun<'a> {
    user: UserId,
    org: OrgId,
    key: &'a DataKey,
    session: SessionId,
    cookie: Option<CookieToken>,
    expires_at: Timestamp,
}

/// What the holder of a session gets.
pub enum Issued {
    /// Tokens.
    Bearer {
        /// A JWT for ten minutes.
        access_token: String,
        /// An opaque token for the next refresh.
        refresh_token: String,
    },
    /// A cookie.
    Cookie {
        /// Its value.
        value: String,
        /// For how many seconds it is good.
        max_age: i64,
    },
}

/// Adds a session to the transaction of the sign-in.
///
/// # Errors
/// When the function cannot issue tokens.
pub async fn begin<'a>(
    ctx: &Ctx,
    transaction: &mut Transaction,
    sign_in: &SignIn<'_>,
    key: &'a DataKey,
) -> Result<Begun<'a>> {
    let now = ctx.now();
    let expires_at = now.saturating_add(limits(sign_in.form).1).unwrap_or(now);
    let authenticated_at = now.as_millisecond();
    let times = Times {
        created_at: now,
        expires_at,
        authenticated_at,
        own_factor_at: (sign_in.method != SignInMethod::Sso).then_some(authenticated_at),
    };
    add(ctx, transaction, sign_in, key, times).await
}

async fn add<'a>(
    ctx: &Ctx,
    transaction: &mut Transaction,
    sign_in: &SignIn<'_>,
    key: &'a DataKey,
    times: Times,
) -> Result<Begun<'a>> {
    let (user, org, entropy) = (sign_in.user, sign_in.org, ctx.entropy.as_ref());
    let session = SessionId::from_bits(u128::from_be_bytes(entropy::bytes(entropy)));
    let cookie = (sign_in.form == Form::Cookie).then(|| CookieToken::new((user, org, session), entropy));
    let carrier = match &cookie {
        Some(cookie) => Carrier::Cookie {
            digest: cookie.digest(),
        },
        None => {
            // A session that nobody can get the tokens of must not begin.
            ctx.issuer().await?;
            Carrier::Bearer { rotation: 0 }
        }
    };
    let facts = SessionFacts {
        org,
        carrier,
        method: sign_in.method,
        level: sign_in.level,
        authenticated_at: times.authenticated_at,
        own_factor_at: times.own_factor_at,
        used_at: ctx.now().as_millisecond(),
        created_at: times.created_at,
        expires_at: times.expires_at,
        ttl: times.expires_at.as_second(),
    };
    let item = Item::sealed(keys::session(user, session), facts, sign_in.source.sealed());
    transaction.create_sealed("session", &item, key, entropy)?;
    Ok(Begun {
        user,
        org,
        key,
        session,
        cookie,
        expires_at: times.expires_at,
    })
}

/// Adds a session in the place of another: after a step-up or a change of privileges the holder goes on under a new id,
/// and the old one is dead (ASVS 7.2.4). It ends when the old one would have.
///
/// # Errors
/// When the function cannot issue tokens. The transaction is rejected at `session` when the old one has ended.
pub async fn replace<'a>(
    ctx: &Ctx,
    transaction: &mut Transaction,
    person: &'a Person,
    (org, proof): (OrgId, Proof),
    source: &Source,
) -> Result<Begun<'a>> {
    let sign_in = SignIn {
        user: person.user,
        org,
        method: person.facts.method,
        level: proof.level(person.facts.level),
        form: person.facts.form(),
        source,
    };
    let old = keys::session(person.user, person.session);
    transaction.delete_if("session", &old, &Condition::present());
    let times = Times::after(&person.facts, proof, ctx.now().as_millisecond());
    add(ctx, transaction, &sign_in, &person.key, times).await
}

impl Begun<'_> {
    /// The session's id.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// What the holder gets; to be called when the transaction is committed.
    ///
    /// # Errors
    /// When the function cannot issue tokens.
    pub async fn issue(&self, ctx: &Ctx) -> Result<Issued> {
        match &self.cookie {
            Some(cookie) => Ok(Issued::Cookie {
                value: cookie.reveal(),
                max_age: self.expires_at.duration_since(ctx.now()).as_secs(),
            }),
            None => tokens(ctx, (self.user, self.org, self.session), 0, self.key).await,
        }
    }
}

async fn tokens(
    ctx: &Ctx,
    (user, org, session): (UserId, OrgId, SessionId),
    rotation: u64,
    key: &DataKey,
) -> Result<Issued> {
    let issuer = ctx.issuer().await?;
    let access_token = issuer.issue((user, org, session), ctx.now(), ctx.entropy.as_ref())?;
    let refresh_token = RefreshToken::new(user, session, rotation, key).reveal();
    Ok(Issued::Bearer {
        access_token,
        refresh_token,
    })
}

/// Ends the oldest sessions of a user who has too many, but never `begun`, which is the reason.
///
/// # Errors
/// When the store does not answer.
pub async fn end_surplus(ctx: &Ctx, user: UserId, begun: SessionId) -> Result<()> {
    let mut sessions = live(ctx, user).await?;
    let surplus = sessions.len().saturating_sub(MAX_SESSIONS);
    let begun = keys::session(user, begun);
    sessions.sort_by_key(|(key, facts)| (*key == begun, facts.created_at));
    let keys: Vec<_> = sessions.into_iter().take(surplus).map(|(key, _)| key).collect();
    ctx.store.delete_all(&keys, ctx.entropy.as_ref()).await
}

/// The sessions of a user that are alive.
///
/// # Errors
/// When the store does not answer.
pub async fn live(ctx: &Ctx, user: UserId) -> Result<Vec<(Key, SessionFacts)>> {
    let now = ctx.now();
    let mut sessions = Vec::new();
    for raw in ctx.store.query_all(keys::live_sessions(user)).await? {
        let facts = raw.facts::<Session>()?;
        if is_alive(&facts, now) {
            sessions.push((raw.key, facts));
        }
    }
    Ok(sessions)
}

/// Adds to the transaction that every session of a user ends, but for `kept`. Their tokens are refused from the next
/// request on, everywhere. A session that begins before the transaction commits is not among them.
///
/// # Errors
/// When the store does not answer, or there are more sessions than can end at once, which a sign-in prevents.
pub async fn end_all(
    ctx: &Ctx,
    transaction: &mut Transaction,
    user: UserId,
    kept: Option<SessionId>,
) -> Result<usize> {
    let kept = kept.map(|session| keys::session(user, session));
    // Rows of sessions that are over lie there until the table deletes them. They must not take the place of live ones.
    let live = live(ctx, user).await?;
    let others = live.into_iter().map(|(key, _)| key);
    end_these(transaction, others.filter(|key| Some(key) != kept.as_ref()))
}

/// Ends the sessions of a user, but for `kept`, that began while the transaction with which they should have ended was on
/// its way: after it, what they were begun with is no longer good, so no others come.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn end_stragglers(ctx: &Ctx, user: UserId, kept: Option<SessionId>) -> Result<()> {
    let kept = kept.map(|session| keys::session(user, session));
    let page = ctx.store.query_all(keys::sessions(user)).await?;
    let ends = |key: &Key| Some(key) != kept.as_ref() && keys::is_session_or_sign_in(key);
    let keys: Vec<_> = page.into_iter().map(|raw| raw.key).filter(ends).collect();
    ctx.store.delete_all(&keys, ctx.entropy.as_ref()).await
}

/// Adds to the transaction that these sessions end, and says how many they are.
pub(super) fn end_these(transaction: &mut Transaction, sessions: impl Iterator<Item = Key>) -> Result<usize> {
    let before = transaction.len();
    for key in sessions {
        if transaction.len() == MOST_ENDED {
            return Err(Error::unavailable("a user has more sessions than end at once"));
        }
        transaction.delete("other session", &key);
    }
    Ok(transaction.len() - before)
}

/// Adds to the transaction that the sessions of a user for one organisation end, but for `kept`: what the user may do there
/// changed (ASVS 7.2.4, C-02).
///
/// # Errors
/// When the store does not answer.
pub async fn end_of_organisation(
    ctx: &Ctx,
    transaction: &mut Transaction,
    user: UserId,
    org: OrgId,
    kept: Option<SessionId>,
) -> Result<()> {
    let kept = kept.map(|session| keys::session(user, session));
    for raw in ctx.store.query_all(keys::live_sessions(user)).await? {
        let ends = raw.facts::<Session>()?.org == org && Some(&raw.key) != kept.as_ref();
        // Two users have at most so many together; what a role allows is read with every request anyway.
        if ends && transaction.len() < 98 {
            transaction.delete("other session", &raw.key);
        }
    }
    Ok(())
}

/// Gives new tokens for a refresh token. An old token that comes again ends the session and the owner is told.
///
/// # Errors
/// [`Error::Unauthenticated`], and [`Error::TooManyRequests`].
pub async fn refresh(ctx: &Ctx, presented: &RefreshToken, source: &Source) -> Result<Issued> {
    const REFUSED: Error = Error::Unauthenticated("The refresh token is not valid. Sign in again.");
    let (user, session) = (presented.user, presented.session);
    let unit = UnitId::User(user);
    let (session_key, key_key) = (keys::session(user, session), keys::data_key(unit));
    let mut counted = false;
    // A refresh at the same time may win; then this token is the one before, and gets what the winner got.
    for _ in 0..3 {
        let wanted = [session_key.clone(), key_key.clone()];
        let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
        let facts = found.get(&session_key).ok_or(REFUSED)?.facts::<Session>()?;
        let key = units::usable_key(found.get(&key_key), unit, ctx.root().await?)?.ok_or(REFUSED)?;
        let Carrier::Bearer { rotation } = facts.carrier else {
            return Err(REFUSED);
        };
        let verdict = presented.judge(&facts, rotation, &key, ctx.now())?;
        // Only who has a token of the session counts: nobody else can use up what its holder may do.
        if verdict != Verdict::Reused && !counted {
            limits::count(ctx, &limits::REFRESHES_OF_SESSION, &session.to_string()).await?;
            counted = true;
        }
        match verdict {
            Verdict::Repeated => return tokens(ctx, (user, facts.org, session), rotation, &key).await,
            Verdict::Reused => {
                end_reused(ctx, user, &session_key, source).await?;
                return Err(REFUSED);
            }
            Verdict::Current => {}
        }
        let update = Update::new()
            .set_number("rotation", i64::try_from(rotation + 1).unwrap_or(i64::MAX))
            .set_number("used_at", ctx.now().as_millisecond());
        let condition = Condition::number("rotation", rotation);
        if ctx.store.update(&session_key, update, &condition).await? {
            return tokens(ctx, (user, facts.org, session), rotation + 1, &key).await;
        }
    }
    Err(Error::unavailable("the session kept changing"))
}

async fn end_reused(ctx: &Ctx, user: UserId, session: &Key, source: &Source) -> Result<()> {
    let mut transaction = Transaction::new();
    transaction.delete_if("session", session, &Condition::present());
    let mut outgoing = None;
    if let Some(account) = Account::read(ctx, user).await? {
        outgoing = Some(account.queue(ctx, &mut transaction, Template::SessionsEnded)?);
        let owner = (user, account.key());
        activity::of_account(
            ctx,
            &mut transaction,
            owner,
            ActivityKind::TokenReused,
            None,
            source,
        )?;
    }
    match send::commit(ctx, transaction, outgoing).await {
        // Another request with an old token came first and told the owner.
        Ok(()) | Err(Commit::Rejected(_)) => Ok(()),
        Err(Commit::Failed(error)) => Err(error),
    }
}

/// Ends a session: its tokens and its cookie are refused from the next request on.
///
/// # Errors
/// When the store does not answer.
pub async fn logout(ctx: &Ctx, person: &Person, source: &Source) -> Result<()> {
    let mut transaction = Transaction::new();
    transaction.delete("session", &keys::session(person.user, person.session));
    let owner = (person.user, &person.key);
    activity::of_account(
        ctx,
        &mut transaction,
        owner,
        ActivityKind::SignedOut,
        None,
        source,
    )?;
    Ok(ctx.store.commit(transaction, ctx.entropy.as_ref()).await?)
}

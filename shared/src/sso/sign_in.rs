//! What follows when a browser comes back from a provider: a session, a linked identity, or one and the same refusal.

use std::collections::HashMap;

use super::connections::{self, Opened};
use super::flows;
use super::identities::{self, IdentityGuard};
use super::model::{Asker, Callback, Flow, Identity, Purpose, SignedIn};
use super::rules::Refused;
use super::{Attempt, Failure, ReturnTo, finish};
use crate::accounts::model::{Session, SignInMethod};
use crate::accounts::sessions::{self, Form, Issued, Proof};
use crate::accounts::sign_in::{self, Verified};
use crate::accounts::store::Account;
use crate::activity::model::ActivityKind;
use crate::activity::store as activity;
use crate::auth::{Level, Person};
use crate::ctx::Ctx;
use crate::erasure::units;
use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::keys::{self, Key, Tenant};
use crate::source::Source;
use crate::store::{Commit, Condition, Raw, Transaction};
use crate::unit::UnitId;

/// A browser that comes back.
pub struct Arrival<'a> {
    /// `state`, under whose digest the flow lies.
    pub state: Option<&'a str>,
    /// The flow's cookie.
    pub cookie: Option<&'a str>,
    /// What else the provider sent along.
    pub callback: &'a Callback,
    /// From where.
    pub source: &'a Source,
}

/// Where a browser goes on, and with what.
pub struct Arrived {
    /// A new session, in a cookie; `None` where the one that it has goes on.
    pub session: Option<Issued>,
    /// Where it goes.
    pub return_to: ReturnTo,
}

/// Why an arrival comes to nothing.
pub(super) enum Stop {
    /// It must not: the person is told the same for every reason.
    Refused(Refused),
    /// Something of ours, or the provider, does not answer.
    Failed(Error),
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refused) => Self::Refused(refused),
            Failure::Unavailable(failure) => Self::Failed(failure.into()),
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) | Error::Internal(_) => Self::Failed(error),
            _ => Self::Refused(Refused::Account),
        }
    }
}

impl From<Commit> for Stop {
    fn from(commit: Commit) -> Self {
        match commit {
            Commit::Rejected(_) => Self::Refused(Refused::Account),
            Commit::Failed(error) => Self::Failed(error),
        }
    }
}

/// Ends the flow that a browser comes back with, as its purpose says. The flow is consumed before anything else is
/// looked at, and the connection is what it is now (F-28, F-30).
///
/// # Errors
/// [`Error::Unauthenticated`], always the same; [`Error::Unavailable`].
pub async fn arrive(ctx: &Ctx, arrival: &Arrival<'_>) -> Result<Arrived> {
    let taken = match arrival.state {
        Some(state) => flows::take(ctx, state).await?,
        None => None,
    };
    let Some((flow, through)) = taken else {
        return Err(refusal(Refused::Flow));
    };
    match follow(ctx, arrival, &flow, &through).await {
        Ok(session) => Ok(Arrived {
            session,
            return_to: flow.return_to,
        }),
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Refused(refused)) => {
            note(ctx, &through).await?;
            Err(refusal(refused))
        }
    }
}

/// The one answer; the reason is for the log.
fn refusal(refused: Refused) -> Error {
    tracing::info!(reason = %refused, "a sign-in through an identity provider was refused");
    Failure::Refused(refused).into()
}

/// Notes in the organisation's log that a sign-in through its connection failed; who it was, nobody knows.
async fn note(ctx: &Ctx, through: &Opened) -> Result<()> {
    let (tenant, object) = (Tenant::new(through.org), Some(through.id.to_string()));
    let mut transaction = Transaction::new();
    activity::of_organisation(
        ctx,
        &mut transaction,
        tenant,
        ActivityKind::SignInFailed,
        None,
        object,
    )?;
    Ok(ctx.store.commit(transaction, ctx.entropy.as_ref()).await?)
}

async fn follow(
    ctx: &Ctx,
    arrival: &Arrival<'_>,
    flow: &Flow,
    through: &Opened,
) -> Result<Option<Issued>, Stop> {
    let stored = &through.item.payload;
    let attempt = Attempt {
        id: through.id,
        connection: &stored.connection,
        secret: &stored.secret,
        flow,
        cookie: arrival.cookie,
        callback: arrival.callback,
        redirect_uri: &connections::redirect_uri(ctx),
    };
    let signed_in = finish(&attempt, ctx.egress(), ctx.providers(), ctx.now()).await?;
    let source = arrival.source;
    match flow.purpose {
        Purpose::SignIn => Ok(Some(sign_in(ctx, through, &signed_in, source).await?)),
        Purpose::StepUp(asker) => Ok(Some(step_up(ctx, asker, through, &signed_in, source).await?)),
        Purpose::Link(asker) => {
            identities::link(ctx, asker, through, signed_in.identity, source).await?;
            Ok(None)
        }
    }
}

/// How sure a session is for which a provider vouches: two factors only if it says that it asked for them.
fn level(signed_in: &SignedIn) -> Level {
    if signed_in.multi_factor {
        Level::Aal2
    } else {
        Level::Aal1
    }
}

/// Whose the identity is that signed in.
async fn owner(ctx: &Ctx, through: &Opened, signed_in: &SignedIn) -> Result<IdentityGuard, Stop> {
    let digest = identities::digest(ctx.root().await?, through.id, &signed_in.identity);
    let guard = ctx.store.get_one(&keys::identity_guard(&digest)).await?;
    Ok(guard.ok_or(Refused::Identity)?.decode::<IdentityGuard>()?.facts)
}

/// Adds the demand that the connection is still as it was read, and the user an active member of its organisation.
pub(super) fn still_there(transaction: &mut Transaction, user: UserId, through: &Opened) {
    let unchanged = Condition::version(through.item.version);
    transaction.check("connection", &through.item.key, &unchanged);
    let active = Condition::present().and(Condition::missing("suspended_at"));
    let membership = keys::membership(Tenant::new(through.org), user);
    transaction.check("membership", &membership, &active);
}

/// Begins a session for the connection's organisation, and never for another, in which nobody need trust its provider.
async fn sign_in(ctx: &Ctx, through: &Opened, signed_in: &SignedIn, source: &Source) -> Result<Issued, Stop> {
    let IdentityGuard { user, identity } = owner(ctx, through, signed_in).await?;
    let identity = keys::identity(user, identity);
    let wanted = [
        keys::user(user),
        keys::data_key(UnitId::User(user)),
        identity.clone(),
    ];
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let (profile, key) = (found.get(&wanted[0]), found.get(&wanted[1]));
    let account = Account::open(user, profile, key, ctx.root().await?)?.ok_or(Refused::Identity)?;
    if !account.item.facts.verified {
        return Err(Refused::Account.into());
    }
    let linked = found
        .get(&identity)
        .ok_or(Refused::Identity)?
        .facts::<Identity>()?;
    let mut transaction = Transaction::new();
    identities::used(&mut transaction, &identity, &linked, ctx.now());
    still_there(&mut transaction, user, through);
    let verified = Verified {
        user,
        key: account.key().clone(),
        facts: account.item.facts,
        org: through.org,
        method: SignInMethod::Sso,
        level: level(signed_in),
    };
    Ok(sign_in::complete(ctx, transaction, &verified, Form::Cookie, source).await?)
}

/// Goes on in a new session, for whose organisation the provider has vouched anew.
async fn step_up(
    ctx: &Ctx,
    asker: Asker,
    through: &Opened,
    signed_in: &SignedIn,
    source: &Source,
) -> Result<Issued, Stop> {
    if owner(ctx, through, signed_in).await?.user != asker.user {
        return Err(Refused::Identity.into());
    }
    let (person, _) = asking(ctx, asker, Vec::new()).await?;
    if person.facts.org != through.org {
        return Err(Refused::Account.into());
    }
    let mut transaction = Transaction::new();
    still_there(&mut transaction, person.user, through);
    let (owner, kind) = ((person.user, &person.key), ActivityKind::SteppedUp);
    activity::of_account(ctx, &mut transaction, owner, kind, None, source)?;
    let raised = (through.org, Proof::Provider(level(signed_in)));
    let begun = sessions::replace(ctx, &mut transaction, &person, raised, source).await?;
    ctx.store.commit(transaction, ctx.entropy.as_ref()).await?;
    Ok(begun.issue(ctx).await?)
}

/// The person whose session sent the browser away, if it still lives, and what else is wanted.
pub(super) async fn asking(
    ctx: &Ctx,
    asker: Asker,
    mut wanted: Vec<Key>,
) -> Result<(Person, HashMap<Key, Raw>), Stop> {
    let Asker { user, session } = asker;
    let unit = UnitId::User(user);
    let (session_key, data_key) = (keys::session(user, session), keys::data_key(unit));
    wanted.extend([session_key.clone(), data_key.clone()]);
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let facts = found
        .get(&session_key)
        .ok_or(Refused::Account)?
        .facts::<Session>()?;
    let key = units::usable_key(found.get(&data_key), unit, ctx.root().await?)?;
    let key = key.ok_or(Refused::Account)?;
    if !sessions::is_alive(&facts, ctx.now()) {
        return Err(Refused::Account.into());
    }
    let person = Person {
        user,
        session,
        facts,
        key,
    };
    Ok((person, found))
}

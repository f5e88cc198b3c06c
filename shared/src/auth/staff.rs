//! One of the operator's staff, with everything that one round trip reads.

use std::collections::HashMap;

use super::member::identify_person;
use super::{Action, Credential, Person, StaffRole, Standing, decide};
use crate::accounts::model::StaffMember;
use crate::accounts::sessions;
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::{ActorId, UserId};
use crate::keys::{self, Key};
use crate::seal::RootKey;
use crate::store::Raw;
use crate::unit::UnitId;

/// An authenticated member of staff.
pub struct Staff {
    /// The person.
    pub person: Person,
    /// Their role.
    pub role: StaffRole,
    /// The root key.
    pub root: RootKey,
    found: HashMap<Key, Raw>,
}

impl Staff {
    /// An item that the route asked for and that may be absent.
    pub fn optional(&self, key: &Key) -> Option<&Raw> {
        self.found.get(key)
    }

    /// An item that the route asked for.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub fn item(&self, key: &Key) -> Result<&Raw> {
        self.found.get(key).ok_or(Error::NotFound)
    }

    /// Everything that was read.
    pub fn found(&self) -> &HashMap<Key, Raw> {
        &self.found
    }
}

/// Reads, for a credential, in one BatchGetItem: the session, the user's data key, the role among the staff, and what
/// the route asks for.
///
/// # Errors
/// [`Error::Unauthenticated`] for a session that is no good; [`Error::NotFound`] for who is no staff, which must not
/// learn that there is a route; and what [`decide`] says.
pub async fn staff(
    ctx: &Ctx,
    credential: &Credential,
    action: Action,
    needs: impl FnOnce(UserId) -> Result<Vec<Key>>,
) -> Result<Staff> {
    let (user, org, session) = match credential {
        Credential::Token(claims) => (claims.sub, claims.org, claims.sid),
        Credential::Cookie(cookie) => cookie.ids(),
        Credential::Key(_) => return Err(Error::NotFound),
    };
    let root = ctx.root().await?.clone();
    let mut wanted = vec![
        keys::session(user, session),
        keys::data_key(UnitId::User(user)),
        keys::staff(user),
    ];
    wanted.extend(needs(user)?);
    let found = ctx.store.get(&wanted, ctx.entropy.as_ref()).await?;
    let person = identify_person(ctx, &root, &found, (user, org, session), credential).await?;
    let member = found
        .get(&keys::staff(user))
        .map(Raw::decode::<StaffMember>)
        .transpose()?;
    let staff = member.map(|item| item.facts.role);
    let standing = Standing::Person {
        role: None,
        suspended: false,
        staff,
        level: person.facts.level,
        method: person.facts.method,
        authenticated_at: sessions::authenticated_at(&person.facts),
        own_factor_at: sessions::own_factor_at(&person.facts),
    };
    decide((ActorId::User(user), standing), action, None, ctx.now())?;
    Ok(Staff {
        person,
        role: staff.ok_or(Error::NotFound)?,
        root,
        found,
    })
}

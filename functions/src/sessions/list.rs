//! `GET /v1/me/sessions`

use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use shared::accounts::model::{Session, SignInMethod};
use shared::accounts::open_sessions;
use shared::accounts::sessions::Form;
use shared::auth::Level;
use shared::error::Result;
use shared::ids::{OrgId, SessionId};
use shared::store::Item;

use crate::auth::SessionForm;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// One's own sessions, at most 50.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ListResponse {
    /// The sessions, newest first.
    data: Vec<SessionEntry>,
}

/// A session.
#[derive(Serialize, JsonSchema)]
struct SessionEntry {
    /// The session.
    id: SessionId,
    /// Whether it is the one that asks.
    current: bool,
    /// The organisation that it leads to.
    organisation: OrgId,
    /// The address from which it was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    address: Option<IpAddr>,
    /// What the client called itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    /// In what form its holder has it.
    form: SessionForm,
    /// How the user signed in.
    method: SignInMethod,
    /// How sure it is that it is the user's.
    level: Level,
    /// When the user signed in.
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: Timestamp,
    /// When it was last used: a cookie to the minute, tokens when they were last refreshed.
    #[schemars(with = "String", extend("format" = "date-time"))]
    used_at: Timestamp,
    /// When it ends whatever happens.
    #[schemars(with = "String", extend("format" = "date-time"))]
    expires_at: Timestamp,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let person = call.member.person()?;
    let open = open_sessions::list(&call.ctx, person).await?.into_iter();
    let data = open.map(|(id, item)| SessionEntry::new(id, id == person.session, item));
    Answer::json(200, &ListResponse { data: data.collect() })
}

impl SessionEntry {
    fn new(id: SessionId, current: bool, item: Item<Session>) -> Self {
        let facts = item.facts;
        Self {
            id,
            current,
            organisation: facts.org,
            address: item.payload.address,
            user_agent: item.payload.user_agent,
            form: match facts.form() {
                Form::Bearer => SessionForm::Bearer,
                Form::Cookie => SessionForm::Cookie,
            },
            method: facts.method,
            level: facts.level,
            created_at: facts.created_at,
            used_at: Timestamp::from_millisecond(facts.used_at).unwrap_or(facts.created_at),
            expires_at: facts.expires_at,
        }
    }
}

//! One's own sessions.

pub(crate) mod delete;
pub(crate) mod delete_all;
pub(crate) mod list;

use schemars::JsonSchema;
use serde::Serialize;
use shared::accounts::open_sessions;
use shared::error::Result;
use shared::ids::ActorId;
use shared::keys::{Key, Tenant};

use crate::gateway::{Answer, Request};

pub(crate) fn needs(_: Tenant, actor: ActorId, request: &Request) -> Result<Vec<Key>> {
    Ok(match actor {
        ActorId::User(user) => vec![open_sessions::key(user, request.param("session_id")?)],
        // The action is none that an API key may do.
        ActorId::Service(_) => Vec::new(),
    })
}

/// Sessions were ended.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SessionsEnded {
    /// How many.
    ended: usize,
}

impl SessionsEnded {
    pub(crate) fn answer(ended: usize) -> Result<Answer> {
        Answer::json(200, &Self { ended })
    }
}

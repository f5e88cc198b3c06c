//! What members may do: the roles that every organisation has, and its own.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod update;

use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use shared::auth::{Action, Grants, RecordScope, Role};
use shared::error::{Error, Result};
use shared::ids::RoleId;
use shared::organisations::model::OrganisationProfile;
use shared::records::model::Kind;
use shared::store::Item;

/// A role.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RoleResponse {
    /// The role, as members and invitations name it.
    id: Role,
    /// Its name.
    name: String,
    /// Whether every organisation has it. Such a role cannot be changed.
    built_in: bool,
    /// What it allows.
    #[schemars(with = "Vec<String>")]
    actions: BTreeSet<Action>,
    /// Whose records.
    records: RecordScope,
    /// Records of which kinds; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    kinds: Option<BTreeSet<Kind>>,
}

impl RoleResponse {
    fn new(role: Role, organisation: &Item<OrganisationProfile>) -> Self {
        let Grants {
            actions,
            records,
            kinds,
        } = role.grants(&organisation.facts);
        let custom = match role {
            Role::Custom(id) => organisation.payload.role_names.get(&id),
            _ => None,
        };
        Self {
            id: role,
            name: custom.map_or_else(|| role.to_string(), |name| name.as_str().to_owned()),
            built_in: !matches!(role, Role::Custom(_)),
            actions,
            records,
            kinds,
        }
    }
}

/// The shape of a list of actions that a role of the organisation's own may contain.
fn actions_schema(_: &mut SchemaGenerator) -> Schema {
    let names = Action::names(Action::fits_custom_role);
    json_schema!({ "type": "array", "items": { "type": "string", "enum": names } })
}

/// Two equal members of a list are one.
fn kinds(list: Option<Vec<Kind>>) -> Option<BTreeSet<Kind>> {
    list.map(|kinds| kinds.into_iter().collect())
}

/// The id of a custom role in the path.
fn role_id(request: &crate::gateway::Request) -> Result<RoleId> {
    match request.param("role_id")? {
        Role::Custom(id) => Ok(id),
        _ => Err(Error::Forbidden(
            "The roles that every organisation has cannot be changed.",
        )),
    }
}

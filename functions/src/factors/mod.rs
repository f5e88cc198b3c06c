//! The factors of the own account besides the password.

pub(crate) mod list;
pub(crate) mod passkey_confirm;
pub(crate) mod passkey_create;
pub(crate) mod passkey_delete;
pub(crate) mod recovery_create;
pub(crate) mod totp_confirm;
pub(crate) mod totp_create;
pub(crate) mod totp_delete;

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::ids::{ActorId, UserId};
use shared::keys::{Key, Tenant};
use shared::mfa::passkeys::Options;
use shared::mfa::{enrol_passkey, factors};

use crate::gateway::Request;

fn of_person(actor: ActorId, keys: fn(UserId) -> Vec<Key>) -> Vec<Key> {
    match actor {
        ActorId::User(user) => keys(user),
        // The action is none that an API key may do.
        ActorId::Service(_) => Vec::new(),
    }
}

pub(crate) fn needs(_: Tenant, actor: ActorId, _: &Request) -> Result<Vec<Key>> {
    Ok(of_person(actor, factors::keys))
}

pub(crate) fn confirmation_needs(_: Tenant, actor: ActorId, _: &Request) -> Result<Vec<Key>> {
    Ok(of_person(actor, enrol_passkey::confirmation_keys))
}

pub(crate) fn removal_needs(_: Tenant, actor: ActorId, _: &Request) -> Result<Vec<Key>> {
    Ok(of_person(actor, enrol_passkey::removal_keys))
}

/// What a page hands to its browser to use a passkey.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OptionsResponse {
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    #[serde(rename = "publicKey")]
    pub(crate) public_key: Options,
}

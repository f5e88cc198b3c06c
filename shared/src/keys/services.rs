//! The keys of service accounts and of their API keys.

use super::{Key, Partition, Table, Tenant, shard};
use crate::ids::{ApiKeyId, ServiceAccountId};
use crate::retention::HourBucket;

pub(crate) fn service_account(tenant: Tenant, service: ServiceAccountId) -> Key {
    Key::new(
        Table::Core,
        format!("APIKEY#{}", tenant.org()),
        service.to_string(),
    )
}

pub(crate) fn api_key(tenant: Tenant, key: ApiKeyId) -> Key {
    Key::new(Table::Core, format!("APIKEY#{}", tenant.org()), key.to_string())
}

/// The service accounts of an organisation, without their keys.
pub(crate) fn service_accounts(tenant: Tenant) -> Partition {
    Partition {
        prefix: "service_".to_owned(),
        ..api_keys(tenant)
    }
}

/// The API keys of all service accounts of an organisation.
pub(crate) fn only_api_keys(tenant: Tenant) -> Partition {
    Partition {
        prefix: "key_".to_owned(),
        ..api_keys(tenant)
    }
}

/// How many service accounts an organisation has.
pub(crate) fn service_count(tenant: Tenant) -> Key {
    api_keys(tenant).key("COUNT")
}

/// The service accounts and API keys of an organisation.
pub(crate) fn api_keys(tenant: Tenant) -> Partition {
    Partition::new(Table::Core, format!("APIKEY#{}", tenant.org()))
}

/// When an API key was last used.
pub(crate) fn api_key_use(tenant: Tenant, key: ApiKeyId) -> Key {
    api_key_uses(tenant).key(&key.to_string())
}

/// When the API keys of an organisation were last used.
pub(crate) fn api_key_uses(tenant: Tenant) -> Partition {
    Partition::new(Table::Ephemeral, format!("KEYUSE#{}", tenant.org()))
}

/// One row per API key whose end is to be announced, in the order of the hour in which it is.
pub(crate) fn key_due(key: ApiKeyId, hour: HourBucket) -> Key {
    key_due_partition(shard(key.bits())).key(&format!("{hour}#{key}"))
}

pub(crate) fn key_due_partition(shard: u8) -> Partition {
    Partition::new(Table::Control, format!("KEYDUE#{shard}"))
}

//! The keys of single sign-on: connections, domains, identities and flows.

use super::{ALONE, Key, Partition, Table, Tenant, organisation_partition, user_partition};
use crate::ids::{ConnectionId, DomainId, IdentityId, UserId};

pub(crate) fn identity(user: UserId, identity: IdentityId) -> Key {
    user_partition(user).key(&identity.to_string())
}

pub(crate) fn identities(user: UserId) -> Partition {
    Partition {
        prefix: "identity_".to_owned(),
        ..user_partition(user)
    }
}

/// Guards that an identity is linked to one user; `digest` is the keyed hash of connection, issuer and subject in hex.
pub(crate) fn identity_guard(digest: &str) -> Key {
    Key::new(Table::Core, format!("IDENTITY#{digest}"), ALONE)
}

/// A sign-in that is under way at a provider; `digest` is that of its state in hex.
pub(crate) fn sso_flow(digest: &str) -> Key {
    Key::new(Table::Ephemeral, format!("SSOFLOW#{digest}"), ALONE)
}

pub(crate) fn connection(tenant: Tenant, connection: ConnectionId) -> Key {
    organisation_partition(tenant).key(&connection.to_string())
}

pub(crate) fn connections(tenant: Tenant) -> Partition {
    Partition {
        prefix: "connection_".to_owned(),
        ..organisation_partition(tenant)
    }
}

pub(crate) fn domain(tenant: Tenant, domain: DomainId) -> Key {
    organisation_partition(tenant).key(&domain.to_string())
}

pub(crate) fn domains(tenant: Tenant) -> Partition {
    Partition {
        prefix: "domain_".to_owned(),
        ..organisation_partition(tenant)
    }
}

/// Guards that a domain is one organisation's; `digest` is the keyed hash of its name in hex.
pub(crate) fn domain_guard(digest: &str) -> Key {
    Key::new(Table::Core, format!("DOMAIN#{digest}"), ALONE)
}

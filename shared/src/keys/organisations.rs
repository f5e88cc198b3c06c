//! The keys of organisations: members, invitations, billing, access, activity and stored answers.

use super::{ALONE, Key, Partition, Table, Tenant, shard};
use crate::ids::{AccessId, ActivityId, InvitationId, UserId};
use crate::retention::HourBucket;

/// That somebody asked to remove a member's lost factors.
pub(crate) fn factors_reset(tenant: Tenant, user: UserId) -> Key {
    Key::new(
        Table::Core,
        format!("ORG#{}", tenant.org()),
        format!("RESET#{user}"),
    )
}

pub(crate) fn organisation(tenant: Tenant) -> Key {
    Key::new(Table::Core, format!("ORG#{}", tenant.org()), ALONE)
}

pub(crate) fn membership(tenant: Tenant, user: UserId) -> Key {
    Key::new(
        Table::Core,
        format!("ORG#{}", tenant.org()),
        format!("MEMBER#{user}"),
    )
}

/// The memberships of an organisation.
pub(crate) fn memberships(tenant: Tenant) -> Partition {
    Partition {
        prefix: "MEMBER#".to_owned(),
        ..organisation_partition(tenant)
    }
}

pub(crate) fn invitation(tenant: Tenant, invitation: InvitationId) -> Key {
    Key::new(
        Table::Core,
        format!("ORG#{}", tenant.org()),
        invitation.to_string(),
    )
}

pub(crate) fn invitations(tenant: Tenant) -> Partition {
    Partition {
        prefix: "invitation_".to_owned(),
        ..organisation_partition(tenant)
    }
}

/// Guards that an address is invited once; `digest` is its keyed hash in hex.
pub(crate) fn invitation_guard(tenant: Tenant, digest: &str) -> Key {
    Key::new(
        Table::Core,
        format!("ORG#{}", tenant.org()),
        format!("INVITED#{digest}"),
    )
}

/// One row per invitation, in the order of the hour in which it is deleted.
pub(crate) fn invitation_due(invitation: InvitationId, hour: HourBucket) -> Key {
    invitation_due_partition(shard(invitation.bits())).key(&format!("{hour}#{invitation}"))
}

pub(crate) fn invitation_due_partition(shard: u8) -> Partition {
    Partition::new(Table::Control, format!("INVITATIONDUE#{shard}"))
}

pub(crate) fn access(tenant: Tenant, access: AccessId) -> Key {
    Key::new(
        Table::Core,
        format!("ACCESS#{}", tenant.org()),
        access.to_string(),
    )
}

/// The exceptional access to an organisation's records, of all times.
pub(crate) fn accesses(tenant: Tenant) -> Partition {
    Partition::new(Table::Core, format!("ACCESS#{}", tenant.org()))
}

pub(crate) fn organisation_activity(tenant: Tenant, activity: ActivityId) -> Key {
    Key::new(
        Table::Ephemeral,
        format!("ACTIVITY#{}", tenant.org()),
        activity.to_string(),
    )
}

pub(crate) fn organisation_activities(tenant: Tenant) -> Partition {
    Partition::new(Table::Ephemeral, format!("ACTIVITY#{}", tenant.org()))
}

pub(crate) fn organisation_partition(tenant: Tenant) -> Partition {
    Partition::new(Table::Core, format!("ORG#{}", tenant.org()))
}

pub(crate) fn billing(tenant: Tenant) -> Key {
    Key::new(Table::Core, format!("BILLING#{}", tenant.org()), ALONE)
}

pub(crate) fn billing_partition(tenant: Tenant) -> Partition {
    Partition::new(Table::Core, format!("BILLING#{}", tenant.org()))
}

pub(crate) fn idempotency(tenant: Tenant, digest: &str) -> Key {
    Key::new(Table::Ephemeral, format!("IDEMPOTENCY#{}", tenant.org()), digest)
}

pub(crate) fn idempotency_partition(tenant: Tenant) -> Partition {
    Partition::new(Table::Ephemeral, format!("IDEMPOTENCY#{}", tenant.org()))
}

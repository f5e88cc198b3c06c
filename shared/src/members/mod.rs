//! Who is in an organisation: members, invitations, custom roles; and the organisations of a person.
//!
//! What a role allows is read with every request, so a change acts on the very next one. Whatever takes rights away also
//! ends the sessions that the person has for the organisation, in the same transaction.

pub mod accept;
pub mod anchors;
pub mod expiry;
pub mod invitations;
pub mod leaving;
pub mod model;
pub mod own;
pub mod reset;
pub mod roles;
pub mod rules;
pub mod store;

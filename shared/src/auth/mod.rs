//! Who is asking, and may they: one round trip, one pure decision.

mod action;
mod credential;
mod decide;
mod member;
mod role;
mod staff;

pub use action::{Action, TABLE};
pub use credential::{API_KEY_PREFIX, ApiKey, COOKIE, CookieToken, Credential, InvitationCode, PendingToken};
pub use decide::{FRESH, Level, Standing, decide};
pub(crate) use member::gone;
pub use member::{Member, Needs, Permit, Person, member};
pub use role::{Grants, Reach, RecordScope, Role, StaffRole};
pub use staff::{Staff, staff};

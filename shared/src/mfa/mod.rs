//! Factors besides the password: one-time codes of an authenticator, passkeys, recovery codes.
//!
//! [`totp`], [`recovery`] and [`passkeys`] are pure: what was read, the time and randomness come in, and what is to be
//! stored comes out. The other modules read, ask them, and write. Each decision is valid only if what it returns is stored on the condition that nobody changed the row in between
//! (its version). That is what makes a code good for one request of any number that arrive together.

mod ceremony;
pub(crate) mod change;
pub mod enrol_passkey;
pub mod enrol_totp;
pub mod factors;
mod failure;
pub mod model;
pub mod passkey_sign_in;
pub mod passkeys;
pub mod pending;
pub mod recovery;
pub mod step_up;
pub mod totp;

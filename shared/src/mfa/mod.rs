//! Factors besides the password: one-time codes of an authenticator, passkeys, recovery codes. All of it is pure: what
//! was read, the time and randomness come in, and what is to be stored comes out.
//!
//! Each decision is valid only if what it returns is stored on the condition that nobody changed the row in between
//! (its version). That is what makes a code good for one request of any number that arrive together.

pub mod passkeys;
pub mod recovery;
pub mod totp;

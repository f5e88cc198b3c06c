//! Single sign-on: we are a relying party of OpenID Connect (OpenID Connect Core 1.0, authorization code flow).
//!
//! [`rules::begin`] makes the URL that sends a browser to the provider, and the flow that is stored meanwhile;
//! [`finish`] turns what the browser brings back into a [`SignedIn`](model::SignedIn), or refuses. What a person may
//! then do is decided elsewhere: an identity is an issuer and a subject, and never an address.
//!
//! Asked for are the scopes `openid email`, and `profile` of Microsoft only, which gives no `oid` without it. The user
//! info endpoint is never asked, and access tokens are dropped unread: who signed in is in the ID token or nowhere.

mod change;
pub mod connections;
pub mod domains;
mod finish;
pub mod flows;
mod id_token;
pub mod identities;
pub mod model;
pub mod provider;
mod return_to;
pub mod rules;
pub mod sign_in;

pub use finish::{Attempt, Failure, finish};
pub use return_to::ReturnTo;

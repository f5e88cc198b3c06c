//! Passkeys (Web Authentication Level 3): sign-in without a password, second factor, step-up.
//!
//! A ceremony has two requests. The first gives options to the browser and a state to store; the second takes the
//! browser's answer and that state. The state stays with us, lives as long as its row says (it holds no instant of its
//! own), and is deleted in the transaction that uses the answer, so that a challenge is good once.
//!
//! Every ceremony demands that the authenticator verified the user, so a passkey counts as two factors.

mod model;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::Value;
use url::{Host, Url};
use uuid::Uuid;
use webauthn_rs::prelude as webauthn;
use webauthn_rs::{Webauthn, WebauthnBuilder};
use webauthn_rs_proto::ResidentKeyRequirement;

use crate::error::{Error, Result};
use crate::ids::UserId;
pub use model::{
    Authentication, AuthenticationAnswer, Credential, Options, Passkey, PasskeyFacts, PasskeyGuard,
    PasskeyName, Refused, Registration, RegistrationAnswer, SignIn,
};
use model::{COUNTER, UNKNOWN, USER, refused};

/// The relying party: whom passkeys are for.
#[derive(Debug, Clone)]
pub struct Passkeys(Webauthn);

impl Passkeys {
    /// The relying party of `origin`, shown as `operator`. Passkeys are bound to the origin's host.
    ///
    /// A relying party is named by a domain, so on a loopback address it is `localhost` and the browser must have
    /// opened the page under that name.
    ///
    /// # Errors
    /// When the origin is neither `https` with a domain nor on this machine: a defect of the configuration.
    pub fn new(origin: &str, operator: &str) -> Result<Self> {
        let wrong = || Error::internal("the origin cannot have passkeys");
        let mut origin = Url::parse(origin).map_err(|_| wrong())?;
        let is_loopback = match origin.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(domain)) => domain == "localhost",
            None => false,
        };
        if is_loopback {
            origin.set_host(Some("localhost")).map_err(|_| wrong())?;
        }
        let domain = origin.domain().ok_or_else(wrong)?;
        if origin.scheme() != "https" && !is_loopback {
            return Err(wrong());
        }
        WebauthnBuilder::new(domain, &origin)
            .and_then(|builder| builder.rp_name(operator).build())
            .map(Self)
            .map_err(|_| wrong())
    }

    /// Begins to register a passkey for `user`, whose authenticator will list it as `name` (the address) and `display`
    /// (the person's name). Authenticators that hold one of `existing` are left out.
    ///
    /// # Errors
    /// [`Refused`] when the name is empty.
    pub fn begin_registration(
        &self,
        user: UserId,
        name: &str,
        display: &str,
        existing: &[Credential],
    ) -> Result<(Options, Registration), Refused> {
        let exclude = existing
            .iter()
            .map(|credential| credential.0.cred_id().clone())
            .collect();
        let handle = Uuid::from_u128(user.bits());
        let (mut options, state) = self
            .0
            .start_passkey_registration(handle, name, display, Some(exclude))?;
        // The library discourages authenticators from keeping the passkey, and only a kept one can sign somebody in
        // who did not say who they are.
        if let Some(selection) = &mut options.public_key.authenticator_selection {
            selection.resident_key = Some(ResidentKeyRequirement::Preferred);
        }
        Ok((public_options(options)?, Registration { user, state }))
    }

    /// Finishes the registration of a passkey for `user`. Its guard must be new (B-37).
    ///
    /// # Errors
    /// [`Refused`].
    pub fn finish_registration(
        &self,
        user: UserId,
        registration: &Registration,
        answer: &RegistrationAnswer,
    ) -> Result<Credential, Refused> {
        answer.check()?;
        if registration.user != user {
            return refused(USER);
        }
        let passkey = self
            .0
            .finish_passkey_registration(&answer.0, &registration.state)?;
        // The guard is looked up by the answer's id, and the credential is what the authenticator signed.
        if passkey.cred_id().as_slice() != answer.0.raw_id.as_slice() {
            return refused("form");
        }
        Ok(Credential(passkey))
    }

    /// Begins to check a known user by one of their passkeys.
    ///
    /// # Errors
    /// [`Refused`] when there is none.
    pub fn begin_authentication(
        &self,
        user: UserId,
        existing: &[Credential],
    ) -> Result<(Options, Authentication), Refused> {
        if existing.is_empty() {
            return refused(UNKNOWN);
        }
        let passkeys: Vec<_> = existing.iter().map(|credential| credential.0.clone()).collect();
        let (options, state) = self.0.start_passkey_authentication(&passkeys)?;
        Ok((public_options(options)?, Authentication { user, state }))
    }

    /// Finishes the check of a known user. `credential` is the stored one with the answer's digest, read after the
    /// answer came: one that was removed in between no longer counts. Gives it as it is to be stored, on condition
    /// that it did not change.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn finish_authentication(
        &self,
        user: UserId,
        authentication: &Authentication,
        answer: &AuthenticationAnswer,
        credential: &Credential,
    ) -> Result<Credential, Refused> {
        answer.check()?;
        // An authenticator may leave the user out where the question named the credentials (§7.2, step 6).
        let names_other = answer.0.response.user_handle.is_some() && answer.claimed_user() != Ok(user);
        if authentication.user != user || names_other {
            return refused(USER);
        }
        let result = self
            .0
            .finish_passkey_authentication(&answer.0, &authentication.state)?;
        used(credential, &result)
    }

    /// Begins a sign-in by a passkey that the authenticator finds by itself.
    ///
    /// # Errors
    /// Never in practice.
    pub fn begin_sign_in(&self) -> Result<(Options, SignIn), Refused> {
        let (options, state) = self.0.start_discoverable_authentication()?;
        Ok((public_options(options)?, SignIn { state }))
    }

    /// Finishes a sign-in. `user` is whom the guard of the answer's digest names, `credential` that user's stored one
    /// with that digest. Gives it as it is to be stored, on condition that it did not change.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn finish_sign_in(
        &self,
        user: UserId,
        sign_in: SignIn,
        answer: &AuthenticationAnswer,
        credential: &Credential,
    ) -> Result<Credential, Refused> {
        answer.check()?;
        if answer.claimed_user()? != user {
            return refused(USER);
        }
        let key = webauthn::DiscoverableKey::from(&credential.0);
        let result = self
            .0
            .finish_discoverable_authentication_v2(&answer.0, sign_in.state, &key)?;
        used(credential, &result)
    }
}

/// The credential after it was used. Its counter is compared with the stored one again: another ceremony may have moved
/// it since this one began (§7.2, step 22).
fn used(credential: &Credential, result: &webauthn::AuthenticationResult) -> Result<Credential, Refused> {
    let mut passkey = credential.0.clone();
    let moved = passkey
        .update_credential(result)
        .ok_or(Refused { reason: UNKNOWN })?;
    if result.counter() > 0 && !moved {
        return refused(COUNTER);
    }
    Ok(Credential(passkey))
}

/// The options without what is around them: whether the browser offers passkeys by itself or on a click is the page's
/// decision.
fn public_options(options: impl Serialize) -> Result<Options, Refused> {
    match serde_json::to_value(options) {
        Ok(Value::Object(mut members)) => match members.remove("publicKey") {
            Some(options) => Ok(Options(options)),
            None => refused("form"),
        },
        _ => refused("form"),
    }
}

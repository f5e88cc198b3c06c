//! Passkeys (Web Authentication Level 3): sign-in without a password, second factor, step-up.
//!
//! A ceremony has two requests. The first gives options to the browser and a state to store; the second takes the
//! browser's answer and that state. The state stays with us, lives as long as its row says (it holds no instant of its
//! own), and is deleted in the transaction that uses the answer, so that a challenge is good once.
//!
//! Every ceremony demands that the authenticator verified the user, so a passkey counts as two factors.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use url::{Host, Url};
use uuid::Uuid;
use webauthn_rs::prelude as webauthn;
use webauthn_rs::{Webauthn, WebauthnBuilder};
use webauthn_rs_proto::ResidentKeyRequirement;

use crate::error::{Error, Result};
use crate::ids::UserId;
use crate::seal::RootKey;
use crate::text::Line;

/// How the user calls a passkey.
pub type PasskeyName = Line<60>;

/// The longest credential id (Web Authentication §4).
const MAX_CREDENTIAL_ID: usize = 1023;

/// An answer was not accepted. Whoever sent it learns no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Why, in words that hold nothing of the input: for logs.
    pub reason: &'static str,
}

impl From<webauthn::WebauthnError> for Refused {
    fn from(error: webauthn::WebauthnError) -> Self {
        use webauthn::WebauthnError as E;
        let reason = match error {
            E::InvalidClientDataType => "type",
            E::MismatchedChallenge => "challenge",
            E::InvalidRPOrigin | E::CredentialCrossOrigin => "origin",
            E::InvalidRPIDHash => "relying party",
            E::UserNotPresent | E::UserNotVerified => "verification of the user",
            E::CredentialPossibleCompromise => COUNTER,
            E::CredentialNotFound => UNKNOWN,
            E::AuthenticationFailure | E::SignatureInvalid => "signature",
            _ => "form",
        };
        Self { reason }
    }
}

const COUNTER: &str = "counter";
const UNKNOWN: &str = "unknown credential";
const USER: &str = "user";

const fn refused<T>(reason: &'static str) -> Result<T, Refused> {
    Err(Refused { reason })
}

/// A credential as it is stored: public key, counter, flags. Sealed, for it says which devices a person has.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Credential(webauthn::Passkey);

impl<'de> Deserialize<'de> for Credential {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        // Earlier versions of the library wrote the id in the standard alphabet too (B-40).
        if let Some(Value::String(id)) = value.pointer_mut("/cred/cred_id") {
            *id = id
                .replace('+', "-")
                .replace('/', "_")
                .trim_end_matches('=')
                .to_owned();
        }
        serde_json::from_value(value)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

impl Credential {
    /// The key of the guard that keeps a credential id to one account (B-37).
    pub fn digest(&self, root: &RootKey) -> String {
        digest(self.0.cred_id(), root)
    }
}

fn digest(id: &[u8], root: &RootKey) -> String {
    root.digest("passkey", &hex::encode(id))
}

/// The clear part of a passkey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyFacts {
    /// The keyed hash of the credential id: the key of its guard.
    pub credential_digest: String,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When the user last signed in with it.
    pub used_at: Option<Timestamp>,
}

/// The sealed part of a passkey.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Passkey {
    /// How the user calls it.
    pub name: PasskeyName,
    /// What it is checked with.
    pub credential: Credential,
}

/// Guards a credential id: whose it is. A sign-in without a name begins here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyGuard {
    /// The user who has it.
    pub user: UserId,
}

/// Options for the browser: what `navigator.credentials` takes, with binary members in base64url as
/// `PublicKeyCredential.parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` read them.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Options(#[schemars(with = "serde_json::Map<String, Value>")] Value);

/// The state of a registration. Sealed with the user's account.
#[derive(Debug, Serialize, Deserialize)]
pub struct Registration {
    user: UserId,
    state: webauthn::PasskeyRegistration,
}

/// The state of a check of a known user: second factor, step-up. Sealed with the user's account.
#[derive(Debug, Serialize, Deserialize)]
pub struct Authentication {
    user: UserId,
    state: webauthn::PasskeyAuthentication,
}

/// The state of a sign-in of somebody yet unknown. It is a challenge only, and no personal data.
#[derive(Debug, Serialize, Deserialize)]
pub struct SignIn {
    state: webauthn::DiscoverableAuthentication,
}

/// What the browser made of a registration's options: `PublicKeyCredential.toJSON()`.
pub struct RegistrationAnswer(webauthn::RegisterPublicKeyCredential);

/// What the browser made of the options of a check or a sign-in: `PublicKeyCredential.toJSON()`.
pub struct AuthenticationAnswer(webauthn::PublicKeyCredential);

impl RegistrationAnswer {
    fn check(&self) -> Result<(), Refused> {
        check_answer(&self.0.type_, &self.0.raw_id, &self.0.response.client_data_json)
    }

    /// The key of the guard of the credential that is to be registered.
    pub fn digest(&self, root: &RootKey) -> String {
        digest(&self.0.raw_id, root)
    }
}

impl AuthenticationAnswer {
    fn check(&self) -> Result<(), Refused> {
        check_answer(&self.0.type_, &self.0.raw_id, &self.0.response.client_data_json)
    }

    /// The key of the guard of the credential that was used.
    pub fn digest(&self, root: &RootKey) -> String {
        digest(&self.0.raw_id, root)
    }

    /// The user whom the authenticator names; not proved before the sign-in is finished.
    ///
    /// # Errors
    /// [`Refused`] when it names nobody.
    pub fn claimed_user(&self) -> Result<UserId, Refused> {
        let handle = self.0.response.user_handle.as_deref().unwrap_or_default();
        Uuid::from_slice(handle)
            .map(|uuid| UserId::from_bits(uuid.as_u128()))
            .map_err(|_| Refused { reason: USER })
    }
}

/// Checks what the library does not, or not for both kinds of answer: the type, the id's length, and that the page was in
/// no frame of another origin (§7.1, step 10; §7.2, step 14).
fn check_answer(type_name: &str, id: &[u8], client_data: &[u8]) -> Result<(), Refused> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Frame {
        #[serde(default)]
        cross_origin: bool,
        top_origin: Option<String>,
    }
    if type_name != "public-key" || id.is_empty() || id.len() > MAX_CREDENTIAL_ID {
        return refused("form");
    }
    match serde_json::from_slice(client_data) {
        Ok(Frame {
            cross_origin: false,
            top_origin: None,
        }) => Ok(()),
        Ok(_) => refused("origin"),
        Err(_) => refused("form"),
    }
}

// The members are not reported one by one: people do not write them, and a library's words about them would be shown.
fn read<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(
    deserializer: D,
    function: &str,
) -> Result<T, D::Error> {
    serde_json::from_value(Value::deserialize(deserializer)?).map_err(|_| {
        serde::de::Error::custom(format!(
            "It must be the PublicKeyCredential that navigator.credentials.{function}() gives, as its toJSON() writes it"
        ))
    })
}

impl<'de> Deserialize<'de> for RegistrationAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, "create").map(Self)
    }
}

impl<'de> Deserialize<'de> for AuthenticationAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer, "get").map(Self)
    }
}

macro_rules! answer_schema {
    ($($type:ty, $name:literal, [$($member:literal),*];)*) => {
        $(
            impl schemars::JsonSchema for $type {
                fn schema_name() -> std::borrow::Cow<'static, str> {
                    $name.into()
                }

                fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                    schemars::json_schema!({
                        "type": "object",
                        "required": ["id", "rawId", "type", "response"],
                        "properties": {
                            "id": { "type": "string" },
                            "rawId": { "type": "string" },
                            "type": { "const": "public-key" },
                            "response": { "type": "object", "required": [$($member),*] },
                        },
                    })
                }
            }
        )*
    };
}

answer_schema! {
    RegistrationAnswer, "PasskeyRegistrationAnswer", ["clientDataJSON", "attestationObject"];
    AuthenticationAnswer, "PasskeyAuthenticationAnswer", ["clientDataJSON", "authenticatorData", "signature"];
}

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

#[cfg(test)]
#[path = "passkeys_tests.rs"]
mod tests;

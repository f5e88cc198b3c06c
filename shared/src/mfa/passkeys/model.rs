//! What passkeys are made of: what is stored, what goes to the browser, what comes back.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use uuid::Uuid;
use webauthn_rs::prelude as webauthn;

use crate::ids::UserId;
use crate::seal::RootKey;
use crate::text::Line;

/// How the user calls a passkey.
pub type PasskeyName = Line<60>;

/// The longest credential id (Web Authentication §4).
pub(super) const MAX_CREDENTIAL_ID: usize = 1023;

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

pub(super) const COUNTER: &str = "counter";
pub(super) const UNKNOWN: &str = "unknown credential";
pub(super) const USER: &str = "user";

pub(super) const fn refused<T>(reason: &'static str) -> Result<T, Refused> {
    Err(Refused { reason })
}

/// A credential as it is stored: public key, counter, flags. Sealed, for it says which devices a person has.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Credential(pub(super) webauthn::Passkey);

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
pub struct Options(#[schemars(with = "serde_json::Map<String, Value>")] pub(super) Value);

/// The state of a registration. Sealed with the user's account.
#[derive(Debug, Serialize, Deserialize)]
pub struct Registration {
    pub(super) user: UserId,
    pub(super) state: webauthn::PasskeyRegistration,
}

/// The state of a check of a known user: second factor, step-up. Sealed with the user's account.
#[derive(Debug, Serialize, Deserialize)]
pub struct Authentication {
    pub(super) user: UserId,
    pub(super) state: webauthn::PasskeyAuthentication,
}

/// The state of a sign-in of somebody yet unknown. It is a challenge only, and no personal data.
#[derive(Debug, Serialize, Deserialize)]
pub struct SignIn {
    pub(super) state: webauthn::DiscoverableAuthentication,
}

/// What the browser made of a registration's options: `PublicKeyCredential.toJSON()`.
pub struct RegistrationAnswer(pub(super) webauthn::RegisterPublicKeyCredential);

/// What the browser made of the options of a check or a sign-in: `PublicKeyCredential.toJSON()`.
pub struct AuthenticationAnswer(pub(super) webauthn::PublicKeyCredential);

impl RegistrationAnswer {
    pub(super) fn check(&self) -> Result<(), Refused> {
        check_answer(&self.0.type_, &self.0.raw_id, &self.0.response.client_data_json)
    }

    /// The key of the guard of the credential that is to be registered.
    pub fn digest(&self, root: &RootKey) -> String {
        digest(&self.0.raw_id, root)
    }
}

impl AuthenticationAnswer {
    pub(super) fn check(&self) -> Result<(), Refused> {
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

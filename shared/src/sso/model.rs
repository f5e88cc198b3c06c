//! Connections, flows and identities.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::ReturnTo;
use crate::egress::dns::Domain;
use crate::email::Email;
use crate::ids::{ConnectionId, SessionId, UserId};

/// What stands in a Microsoft issuer for the tenant, as Microsoft's own discovery document spells it.
pub const TENANT_PLACEHOLDER: &str = "{tenantid}";

/// Google's issuer.
pub const GOOGLE_ISSUER: &str = "https://accounts.google.com";

/// Microsoft's issuer for every tenant.
pub const MICROSOFT_ISSUER: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";

/// A tenant of Microsoft Entra: a UUID in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TenantId(String);

impl TenantId {
    /// Reads the id of a tenant.
    ///
    /// # Errors
    /// Says what the id of a tenant looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
        let id = uuid::Uuid::try_parse(text)
            .map_err(|_| "It must be the id of a tenant, a UUID".to_owned())?
            .hyphenated()
            .to_string();
        if id == CONSUMERS {
            return Err("It must be a tenant of an organisation, not Microsoft's of everybody".to_owned());
        }
        Ok(Self(id))
    }

    /// The UUID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for TenantId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for TenantId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TenantId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "uuid" })
    }
}

/// What kind of provider is asked, and whom of its many it may speak of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Kind {
    /// Google, for people of these hosted domains (`hd`).
    Google {
        /// At least one: without it everybody with an account of Google could come.
        #[schemars(length(min = 1, max = super::rules::MAX_NAMED))]
        hosted_domains: Vec<Domain>,
    },
    /// Microsoft Entra, for people of these tenants (`tid`).
    Microsoft {
        /// At least one.
        #[schemars(length(min = 1, max = super::rules::MAX_NAMED))]
        tenants: Vec<TenantId>,
    },
    /// An issuer of the organisation's own.
    Oidc,
}

/// Who we are at a provider: 1 to 256 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// Reads a client id as the provider shows it.
    ///
    /// # Errors
    /// Says what a client id looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        if (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err("It must have 1 to 256 visible ASCII characters".to_owned())
        }
    }

    /// The client id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ClientId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for ClientId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClientId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[!-~]{1,256}$" })
    }
}

/// An organisation's connection to its provider; nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The kind of provider.
    pub kind: Kind,
    /// The issuer, compared character by character; for Microsoft with [`TENANT_PLACEHOLDER`] in place of the tenant.
    pub issuer: String,
    /// Who we are at the provider.
    pub client_id: ClientId,
    /// Whether people may sign in through it.
    pub enabled: bool,
}

/// What proves to the provider that it is us. It is sealed where it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// Reads a client secret as the provider shows it.
    ///
    /// # Errors
    /// Says what it may look like, without repeating it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fits = (1..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err("It must have 1 to 512 visible ASCII characters".to_owned())
        }
    }

    /// The secret, for the provider.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

impl Serialize for ClientSecret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ClientSecret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Who asks from a session, which must still live when the answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    /// The user.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
}

impl schemars::JsonSchema for ClientSecret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClientSecret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[!-~]{1,512}$", "writeOnly": true })
    }
}

/// Why somebody is sent to the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", content = "asker", rename_all = "snake_case")]
pub enum Purpose {
    /// To sign in.
    SignIn,
    /// To link the identity to this user, who is signed in and stepped up.
    Link(Asker),
    /// To show that it is still this user: the provider must have asked them within [`STEP_UP`](super::rules::STEP_UP).
    StepUp(Asker),
}

/// A sign-in that is under way at the provider. It is stored under the digest of its `state`, and taken away by whoever
/// comes back first. Nonce and PKCE verifier are derived from the secret in the browser's cookie, so nothing in here
/// helps its reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// SHA-256 of the secret in the browser's cookie, in hex.
    pub browser: String,
    /// The connection it goes through.
    pub connection: ConnectionId,
    /// Why.
    pub purpose: Purpose,
    /// Where the browser goes afterwards.
    pub return_to: ReturnTo,
    /// Until when an answer is taken.
    pub expires_at: Timestamp,
    /// The same in Unix seconds, for DynamoDB's housekeeping.
    pub ttl: i64,
}

/// Who somebody is at a provider. Two providers that call two people the same make two identities.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The issuer; for Microsoft that of the tenant.
    pub issuer: String,
    /// The subject at this issuer; for Microsoft the object id of the person, which is the same for every client.
    pub subject: String,
}

// A subject is a person's.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…@{}", self.issuer)
    }
}

/// An address that a provider claims somebody to have. It never identifies anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedEmail {
    /// The address.
    pub address: Email,
    /// Whether the provider says that it made sure (`email_verified`). Never for Microsoft, where administrators of a
    /// tenant write what they like.
    pub verified: bool,
}

/// What an ID token says that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub identity: Identity,
    /// The address that is claimed, when there is one that can be one.
    pub email: Option<ClaimedEmail>,
    /// When the provider last asked the person for a credential, if it says so.
    pub authenticated_at: Option<Timestamp>,
    /// Whether the provider says that it asked for more than one factor (`mfa` in `amr`, RFC 8176).
    pub multi_factor: bool,
}

/// What the browser brings back from the provider (RFC 6749 §4.1.2, RFC 9207). Providers add parameters of their own,
/// which mean nothing here.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Callback {
    /// `code`.
    pub code: Option<String>,
    /// `iss`.
    pub iss: Option<String>,
    /// `error`. Its description is not read: it is text of unknown origin (F-27).
    pub error: Option<String>,
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback(…)")
    }
}

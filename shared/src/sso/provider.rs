//! What a provider publishes about itself: its endpoints and its keys, remembered for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::finish::Failure;
use super::model::{Connection, TENANT_PLACEHOLDER};
use super::rules::Refused;
use crate::egress::{Destination, Egress};

/// How long what a provider publishes is believed. A key that it takes back is good for this long at most.
const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// How long nobody asks again for the keys of a provider that has no such key: an attacker chooses the `kid`.
const COOLDOWN: SignedDuration = SignedDuration::from_secs(60);

/// The most providers that are remembered.
const MAX_PROVIDERS: usize = 64;

/// The most keys of one provider that are looked at.
const MAX_KEYS: usize = 64;

/// The shortest modulus of RSA, in bytes (NIST SP 800-131A: 2048 bits).
const MIN_RSA: usize = 256;

/// What is read of a discovery document (OpenID Connect Discovery 1.0 §3, RFC 9207 §3).
#[derive(Debug, Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    code_challenge_methods_supported: Option<Vec<String>>,
}

/// What a provider publishes about itself, checked.
#[derive(Debug, Clone)]
pub struct Provider {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Destination,
    keys_at: Destination,
    names_issuer: bool,
    secret_in_body: bool,
}

impl Provider {
    fn read(document: Document, issuer: &str, egress: &Egress) -> Result<Self, Refused> {
        // Without this comparison one provider could pass itself off as another (OpenID Connect Discovery 1.0 §4.3).
        if document.issuer != issuer {
            return Err(Refused::Discovery);
        }
        let has_pkce = document
            .code_challenge_methods_supported
            .is_none_or(|methods| methods.iter().any(|method| method == "S256"));
        if !has_pkce {
            return Err(Refused::Discovery);
        }
        let destination = |url: &str| egress.destination(url).map_err(|_| Refused::Discovery);
        let methods = document.token_endpoint_auth_methods_supported;
        let takes = |wanted: &str| methods.iter().any(|method| method == wanted);
        Ok(Self {
            issuer: document.issuer,
            authorization_endpoint: destination(&document.authorization_endpoint)?.url().clone(),
            token_endpoint: destination(&document.token_endpoint)?,
            keys_at: destination(&document.jwks_uri)?,
            names_issuer: document.authorization_response_iss_parameter_supported,
            secret_in_body: takes("client_secret_post") && !takes("client_secret_basic"),
        })
    }

    /// The issuer as it names itself: for Microsoft perhaps with a placeholder for the tenant.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where browsers are sent.
    pub fn authorization_endpoint(&self) -> &Url {
        &self.authorization_endpoint
    }

    /// Where codes are exchanged.
    pub(super) fn token_endpoint(&self) -> &Destination {
        &self.token_endpoint
    }

    /// Whether every answer names its issuer.
    pub(super) fn names_issuer(&self) -> bool {
        self.names_issuer
    }

    /// Whether the client secret goes into the body, because the provider does not take it in a header.
    pub(super) fn secret_in_body(&self) -> bool {
        self.secret_in_body
    }
}

/// The keys that a provider signs with.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<Key>);

#[derive(Debug, Clone)]
struct Key {
    /// The one issuer it is for; Microsoft publishes keys of several in one set.
    issuer: Option<String>,
    key: CoreJsonWebKey,
}

impl Keys {
    /// Reads a set of keys (RFC 7517). What is not a public key that is long enough is left out.
    pub fn read(set: &Value) -> Self {
        let keys = set.get("keys").and_then(Value::as_array);
        let keys = keys.into_iter().flatten().take(MAX_KEYS);
        Self(keys.filter_map(Key::read).collect())
    }

    /// The keys that may sign for `issuer`.
    pub(super) fn of(&self, issuer: &str) -> CoreJsonWebKeySet {
        let may = |key: &&Key| {
            key.issuer
                .as_deref()
                .is_none_or(|own| own == issuer || own.contains(TENANT_PLACEHOLDER))
        };
        CoreJsonWebKeySet::new(self.0.iter().filter(may).map(|key| key.key.clone()).collect())
    }
}

impl Key {
    fn read(value: &Value) -> Option<Self> {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let long_enough = match text("kty")? {
            "RSA" => {
                let modulus = URL_SAFE_NO_PAD.decode(text("n")?).ok()?;
                modulus.iter().skip_while(|byte| **byte == 0).count() >= MIN_RSA
            }
            "EC" | "OKP" => true,
            // Symmetric keys have no business in a published set.
            _ => false,
        };
        let key = serde_json::from_value(value.clone()).ok()?;
        long_enough.then_some(Self {
            issuer: text("issuer").map(str::to_owned),
            key,
        })
    }
}

/// What providers publish, remembered for a while by one container.
#[derive(Default)]
pub struct Providers(Mutex<HashMap<String, Remembered>>);

struct Remembered {
    provider: Provider,
    since: Timestamp,
    keys: Option<(Keys, Timestamp)>,
    asked_again: Option<Timestamp>,
}

impl Providers {
    /// The provider of a connection.
    ///
    /// # Errors
    /// When it is not reached, or what it publishes is not usable or another's.
    pub async fn provider(
        &self,
        egress: &Egress,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<Provider, Failure> {
        let (at, issuer) = connection.discovery();
        if let Some(known) = self.with(&at, |known| {
            is_young(known.since, now).then(|| known.provider.clone())
        }) && known.issuer == issuer
        {
            return Ok(known);
        }
        let destination = egress.destination(&at).map_err(|_| Refused::Discovery)?;
        let document: Document = egress.get_json(&destination).await?;
        let provider = Provider::read(document, &issuer, egress)?;
        self.remember(at, provider.clone(), now);
        Ok(provider)
    }

    /// The keys of a connection's provider. With `again`, they are fetched anew, unless that was done just now.
    ///
    /// # Errors
    /// When they are not reached.
    pub(super) async fn keys(
        &self,
        egress: &Egress,
        connection: &Connection,
        (provider, again): (&Provider, bool),
        now: Timestamp,
    ) -> Result<Keys, Failure> {
        let (at, _) = connection.discovery();
        let known = self.with(&at, |known| {
            let (keys, since) = known.keys.as_ref()?;
            let resting = known
                .asked_again
                .is_some_and(|asked| now.duration_since(asked) < COOLDOWN);
            (is_young(*since, now) && (!again || resting)).then(|| keys.clone())
        });
        if let Some(known) = known {
            return Ok(known);
        }
        if again {
            // Noted before they are fetched, so that a provider that fails is not asked more often than one that works.
            self.with(&at, |known| {
                known.asked_again = Some(now);
                Some(())
            });
        }
        let keys = Keys::read(&egress.get_json(&provider.keys_at).await?);
        self.with(&at, |known| {
            known.keys = Some((keys.clone(), now));
            Some(())
        });
        Ok(keys)
    }

    fn with<T>(&self, at: &str, use_it: impl FnOnce(&mut Remembered) -> Option<T>) -> Option<T> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.get_mut(at).and_then(use_it)
    }

    fn remember(&self, at: String, provider: Provider, now: Timestamp) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= MAX_PROVIDERS && !map.contains_key(&at) {
            map.retain(|_, known| is_young(known.since, now));
        }
        if map.len() >= MAX_PROVIDERS && !map.contains_key(&at) {
            map.clear();
        }
        let asked_again = map.get(&at).and_then(|known| known.asked_again);
        let remembered = Remembered {
            provider,
            since: now,
            keys: None,
            asked_again,
        };
        map.insert(at, remembered);
    }
}

/// Whether what was learnt then is still believed. A clock that went back believes nothing.
fn is_young(since: Timestamp, now: Timestamp) -> bool {
    let age = now.duration_since(since);
    !age.is_negative() && age < LIFETIME
}

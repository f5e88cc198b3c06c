//! `Idempotency-Key`: the same request again gets the first answer again, for 24 hours.
//!
//! The answer is written in the transaction that has the effect, so there is never an effect without its answer: of
//! two requests at the same time one commits, and the other finds the answer of the first.

use aws_lc_rs::digest;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ids::ActorId;
use crate::keys::{self, Key, Tenant};
use crate::seal::DataKey;
use crate::store::{Condition, Item, Raw};

/// How long an answer is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// The clear part of a stored answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAnswerFacts {
    /// SHA-256 of the request that it answered, in hex.
    pub request_digest: String,
    /// Until when it counts; Unix milliseconds.
    pub expires_at: i64,
    /// The same in Unix seconds, for DynamoDB's housekeeping.
    pub ttl: i64,
}

/// An answer, sealed with the key of the organisation's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAnswer {
    /// HTTP status.
    pub status: u16,
    /// The headers that are part of the answer.
    pub headers: Vec<(String, String)>,
    /// The body, JSON.
    pub body: String,
}

/// The idempotency of one request: where its answer lies, and what the request was.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// Where the answer lies.
    pub key: Key,
    request_digest: String,
}

impl Idempotency {
    /// Reads the header's value: 1 to 255 printable ASCII characters.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for anything else (O-15).
    pub fn parse(value: &str) -> Result<&str> {
        if (1..=255).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(value)
        } else {
            Err(Error::Unreadable(crate::error::Violation::new(
                "Idempotency-Key",
                "Idempotency-Key must be 1 to 255 printable ASCII characters without spaces.",
            )))
        }
    }

    /// The idempotency of a request. Another caller, organisation or route with the same key is another request (O-13).
    pub fn new(tenant: Tenant, actor: ActorId, route: &str, path: &str, key: &str, body: &[u8]) -> Self {
        let place = hash(&[actor.to_string().as_bytes(), route.as_bytes(), key.as_bytes()]);
        Self {
            key: keys::idempotency(tenant, &place),
            request_digest: hash(&[path.as_bytes(), body]),
        }
    }

    /// The answer that was given to this request, if it was answered before.
    ///
    /// # Errors
    /// [`Error::IdempotencyMismatch`] when the key came with another request.
    pub fn answered(
        &self,
        raw: Option<&Raw>,
        data_key: &DataKey,
        now: Timestamp,
    ) -> Result<Option<StoredAnswer>> {
        let Some(raw) = raw else { return Ok(None) };
        let facts = raw.facts::<StoredAnswer>()?;
        // TTL deletes late; the time decides.
        if facts.expires_at <= now.as_millisecond() {
            return Ok(None);
        }
        if facts.request_digest != self.request_digest {
            return Err(Error::IdempotencyMismatch);
        }
        Ok(Some(raw.open::<StoredAnswer>(data_key)?.payload))
    }

    /// The item that keeps `answer`.
    pub fn item(&self, answer: StoredAnswer, now: Timestamp) -> Item<StoredAnswer> {
        let expires_at = now.saturating_add(KEPT).unwrap_or(now);
        let facts = StoredAnswerFacts {
            request_digest: self.request_digest.clone(),
            expires_at: expires_at.as_millisecond(),
            ttl: expires_at.as_second(),
        };
        Item::sealed(self.key.clone(), facts, answer)
    }

    /// What must hold for the answer to be written: there is none yet, or it no longer counts.
    pub fn condition(now: Timestamp) -> Condition {
        Condition::absent().or(Condition::less_than("expires_at", now.as_millisecond() + 1))
    }
}

fn hash(parts: &[&[u8]]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    hex::encode(context.finish())
}

//! The AWS account that a stack is in: played by this process, or in a service outside it.

use bytes::Bytes;
use http::{Request, Response};

use crate::external::{External, unavailable};
use crate::kms::{self, Kms};
use crate::secrets::{Identity, Secrets};

/// The AWS account that a stack is in: what things are called there, who is known, and the keys.
#[derive(Clone)]
pub(crate) enum Account {
    /// Played by this process.
    Embedded(Kms),
    /// In a service outside it.
    External(External),
}

impl Account {
    /// The number of the account.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Embedded(_) => kms::ACCOUNT,
            Self::External(external) => external.id(),
        }
    }

    /// The name of a bucket. Those of a service that many stacks use have to be unique.
    pub(crate) fn bucket(&self, which: &str) -> String {
        match self {
            Self::Embedded(_) => embedded_bucket(which),
            Self::External(external) => external.bucket(which),
        }
    }

    /// Who calls AWS in the name of a function, or of whoever runs this machine.
    pub(crate) fn identity(&self, id: &str, secrets: &Secrets) -> Identity {
        match self {
            Self::Embedded(_) => secrets.identity(id),
            Self::External(external) => external.identity(id),
        }
    }

    /// The ARN of the key behind an alias.
    pub(crate) fn key_arn(&self, alias: &str) -> Option<String> {
        match self {
            Self::Embedded(kms) => kms.key_arn(alias),
            Self::External(external) => external.key_arn(alias),
        }
    }

    /// The ARN of the key that a request is about: the named one or the one that made the ciphertext.
    pub(crate) fn resolve(&self, key: Option<&str>, ciphertext: Option<&[u8]>) -> Option<String> {
        match self {
            Self::Embedded(kms) => kms.resolve(key, ciphertext),
            Self::External(external) => match key {
                Some(key) => self.key_arn(key).or_else(|| Some(key.to_owned())),
                None => external.made_by(ciphertext?),
            },
        }
    }

    /// Answers a request to KMS in the name of whoever runs this machine.
    pub(crate) async fn kms(&self, request: Request<Bytes>) -> Response<Bytes> {
        match self {
            Self::Embedded(kms) => kms.call(request).await,
            Self::External(external) => external.encrypt(request).await.unwrap_or_else(unavailable),
        }
    }
}

/// The name of a bucket that this process plays.
pub(crate) fn embedded_bucket(which: &str) -> String {
    format!("trackwell-{which}")
}

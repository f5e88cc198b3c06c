//! What a function works with: made once per container, used by every request.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::accounts::token::{Issuer, Verifier};
use crate::aws::Aws;
use crate::clock::Clock;
use crate::config::Config;
use crate::egress::{self, Egress};
use crate::entropy::{self, Entropy};
use crate::error::{Error, Result};
use crate::files::{Files, LedgerFiles};
use crate::ledger::{Signer, VerifierKey};
use crate::policy::Policy;
use crate::seal::RootKey;
use crate::sso::provider::Providers;
use crate::store::Store;

/// What a function works with.
pub struct Ctx {
    /// The deployment's configuration.
    pub config: Config,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The tables.
    pub store: Store,
    /// Verifies access tokens.
    pub verifier: Verifier,
    policy: OnceLock<Policy>,
    aws: Aws,
    root: OnceCell<RootKey>,
    issuer: OnceCell<Issuer>,
    signer: OnceCell<Signer>,
    files: OnceLock<Files>,
    ledger_files: OnceLock<LedgerFiles>,
    ses: OnceLock<aws_sdk_sesv2::Client>,
    egress: OnceLock<Egress>,
    providers: Providers,
}

impl Ctx {
    /// The context of a function.
    ///
    /// # Errors
    /// When the configuration's keys are not keys.
    pub fn new(config: Config, aws: Aws, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self> {
        Ok(Self {
            store: Store::new(aws.dynamodb(), config.tables.clone()),
            verifier: Verifier::new(&config.token_public_keys, &config.origin)?,
            config,
            clock,
            entropy,
            policy: OnceLock::new(),
            aws,
            root: OnceCell::new(),
            issuer: OnceCell::new(),
            signer: OnceCell::new(),
            files: OnceLock::new(),
            ledger_files: OnceLock::new(),
            ses: OnceLock::new(),
            egress: OnceLock::new(),
            providers: Providers::default(),
        })
    }

    /// The policy that is executed.
    pub fn policy(&self) -> &Policy {
        self.policy.get_or_init(|| self.config.profile.policy())
    }

    /// The current instant.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Ten random bytes, as an id wants them.
    pub fn id_bytes(&self) -> [u8; 10] {
        entropy::bytes(self.entropy.as_ref())
    }

    /// The key that wraps data keys; decrypted once per container.
    ///
    /// # Errors
    /// When KMS does not answer or refuses: nothing can be read then (S-03).
    pub async fn root(&self) -> Result<&RootKey> {
        self.root
            .get_or_try_init(|| async {
                Ok(RootKey::new(
                    self.decrypt(&self.config.root_key_ciphertext, "root").await?,
                ))
            })
            .await
    }

    /// Issues access tokens. Fails in a function that must not.
    ///
    /// # Errors
    /// As [`root`](Self::root).
    pub async fn issuer(&self) -> Result<&Issuer> {
        self.issuer
            .get_or_try_init(|| async {
                let ciphertext = self
                    .config
                    .token_signing_key_ciphertext
                    .as_deref()
                    .ok_or_else(|| Error::internal("this function does not issue tokens"))?;
                Issuer::new(&self.decrypt(ciphertext, "token").await?, &self.config.origin)
            })
            .await
    }

    /// Signs receipts and checkpoints. Fails in a function that must not.
    ///
    /// # Errors
    /// As [`root`](Self::root).
    pub async fn signer(&self) -> Result<&Signer> {
        self.signer
            .get_or_try_init(|| async {
                let ciphertext = self
                    .config
                    .ledger_signing_key_ciphertext
                    .as_deref()
                    .ok_or_else(|| Error::internal("this function does not sign"))?;
                let seed = self.decrypt(ciphertext, "ledger").await?;
                let key = VerifierKey::parse(&self.config.ledger_verifier_key)
                    .map_err(|_| Error::internal("LEDGER_VERIFIER_KEY is not a key"))?;
                Signer::from_seed(key.name(), &seed)
                    .map_err(|_| Error::internal("the ledger key is not a seed"))
            })
            .await
    }

    /// The bucket of customers' files.
    pub fn files(&self) -> &Files {
        self.files
            .get_or_init(|| Files::new(self.aws.s3(), self.config.files_bucket.clone()))
    }

    /// The bucket of the ledger.
    pub fn ledger_files(&self) -> &LedgerFiles {
        self.ledger_files
            .get_or_init(|| LedgerFiles::new(self.aws.s3(), self.config.ledger_bucket.clone()))
    }

    /// The mail service.
    pub fn ses(&self) -> &aws_sdk_sesv2::Client {
        self.ses.get_or_init(|| self.aws.ses())
    }

    /// The client for everything that is not AWS.
    pub fn egress(&self) -> &Egress {
        self.egress.get_or_init(|| {
            Egress::new(
                &self.config.egress,
                egress::public_roots(),
                egress::Limits::default(),
            )
        })
    }

    /// What identity providers publish about themselves.
    pub fn providers(&self) -> &Providers {
        &self.providers
    }

    /// Decrypts a key of ours. The purpose is authenticated: a ciphertext that is put in another's place does not open.
    async fn decrypt(&self, ciphertext: &str, purpose: &str) -> Result<[u8; 32]> {
        let decrypted = self.aws.decrypt(ciphertext, purpose, self.now().into()).await;
        let plaintext = decrypted.map_err(|error| crate::store::failure("Decrypt", &error))?;
        plaintext
            .0
            .as_slice()
            .try_into()
            .map_err(|_| Error::internal(format!("the ciphertext of the {purpose} key is not one")))
    }
}

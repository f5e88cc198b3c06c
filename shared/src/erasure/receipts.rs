//! Reading what became of an erasure; needs nothing but its id.

use super::model::{Job, JobState, LedgerHead};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::ids::ErasureId;
use crate::keys;
use crate::ledger::{ReceiptFile, VerifierKey};

/// Where an erasure stands, and its receipt once it is sealed.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(ctx: &Ctx, erasure: ErasureId) -> Result<(JobState, Option<ReceiptFile>)> {
    let job = ctx
        .store
        .get_one(&keys::job(erasure))
        .await?
        .ok_or(Error::NotFound)?
        .decode::<Job>()?
        .facts;
    let Some(receipt) = &job.receipt else {
        return Ok((job.state, None));
    };
    let unreadable = |_| Error::internal("a stored receipt is unreadable");
    let file = ReceiptFile {
        log: origin(ctx)?,
        signed_receipt: serde_json::from_str(receipt).map_err(unreadable)?,
        proof: job
            .proof
            .as_deref()
            .map(serde_json::from_str)
            .transpose()
            .map_err(unreadable)?,
    };
    Ok((job.state, Some(file)))
}

/// The name of the ledger.
///
/// # Errors
/// When the deployment has no key for it.
pub fn origin(ctx: &Ctx) -> Result<String> {
    VerifierKey::parse(&ctx.config.ledger_verifier_key)
        .map(|key| key.name().to_owned())
        .map_err(|_| Error::internal("LEDGER_VERIFIER_KEY is not a key"))
}

/// The newest checkpoint, and how many entries it covers.
///
/// # Errors
/// When the store does not answer.
pub async fn checkpoint(ctx: &Ctx) -> Result<(u64, Option<String>)> {
    let head = ctx.store.get_one(&keys::ledger_head()).await?;
    let head = head
        .map(|raw| raw.decode::<LedgerHead>())
        .transpose()?
        .map(|item| item.facts)
        .unwrap_or_default();
    Ok((head.published_size, head.checkpoint))
}

//! `verify`: checks a receipt with nothing but the published key. No network, no clock, no data directory.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use shared::ledger::{ReceiptFile, Verified, VerifierKey, verify};

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// What was given cannot be read.
    Unreadable(String),
    /// It was read, and it proves nothing.
    NotProved(String),
}

/// Checks the receipt in a file against a key, given as text or as the name of a file that holds it, and says what
/// was proved.
///
/// # Errors
/// When something cannot be read, or does not match.
pub fn run(receipt: &Path, key: &str) -> Result<String, Refusal> {
    let bytes = std::fs::read(receipt)
        .map_err(|error| Refusal::Unreadable(format!("{} cannot be read: {error}.", receipt.display())))?;
    let file =
        read(&bytes).map_err(|error| Refusal::NotProved(format!("This is not a receipt file: {error}.")))?;
    let key = read_key(key)?;
    let verified =
        verify::receipt(&file, &key).map_err(|error| Refusal::NotProved(format!("Not proved: {error}.")))?;
    Ok(report(&verified, &key))
}

/// A receipt file, or the API's answer about an erasure with the receipt file in it.
fn read(bytes: &[u8]) -> Result<ReceiptFile, serde_json::Error> {
    let answer: Value = serde_json::from_slice(bytes)?;
    match answer.get("receipt") {
        Some(receipt) if answer.get("signed_receipt").is_none() => {
            ReceiptFile::from_json(receipt.to_string().as_bytes())
        }
        _ => ReceiptFile::from_json(bytes),
    }
}

fn read_key(key: &str) -> Result<VerifierKey, Refusal> {
    let text = match VerifierKey::parse(key) {
        Ok(key) => return Ok(key),
        Err(error) if !Path::new(key).exists() => {
            let detail = format!("{key:?} is neither a file nor a verifier key: {error}.");
            return Err(Refusal::Unreadable(detail));
        }
        Err(_) => std::fs::read_to_string(key)
            .map_err(|error| Refusal::Unreadable(format!("{key} cannot be read: {error}.")))?,
    };
    VerifierKey::parse(&text)
        .map_err(|error| Refusal::Unreadable(format!("{key} does not hold a verifier key: {error}.")))
}

fn report(verified: &Verified, key: &VerifierKey) -> String {
    let Verified {
        receipt,
        leaf_index,
        checkpoint,
    } = verified;
    let trigger = serde_json::to_value(receipt.trigger).unwrap_or_default();
    let mut text = format!(
        "Proved: the key {} signed this receipt, and it is entry {leaf_index} of the ledger of {} entries that the \
         same key signed.\n\n  erasure     {}\n  operator    {}, policy {}\n  reason      {}\n  unreadable  {}\n  \
         deleted     {}\n  verified    {}\n",
        key.id(),
        checkpoint.size,
        receipt.erasure_id,
        receipt.operator,
        receipt.policy_version,
        trigger.as_str().unwrap_or("?"),
        receipt.fenced_at,
        receipt.purged_at,
        receipt.verified_at,
    );
    for unit in &receipt.units {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  unit        {}: {} items and {} object versions deleted; commitment {}",
            unit.class, unit.items_deleted, unit.object_versions_deleted, unit.commitment
        );
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_apart_from_what_is_not_proved() {
        let directory = tempfile::tempdir().unwrap();
        let receipt = directory.path().join("receipt.json");
        assert!(matches!(run(&receipt, "key"), Err(Refusal::Unreadable(_))));
        std::fs::write(&receipt, r#"{"log":"x"}"#).unwrap();
        assert!(matches!(run(&receipt, "key"), Err(Refusal::NotProved(_))));
        assert!(matches!(read_key("no key"), Err(Refusal::Unreadable(_))));
        let key = directory.path().join("ledger.vkey");
        std::fs::write(&key, "not a key\n").unwrap();
        let refusal = read_key(&key.display().to_string()).unwrap_err();
        assert!(matches!(refusal, Refusal::Unreadable(text) if text.contains("does not hold")));
    }
}

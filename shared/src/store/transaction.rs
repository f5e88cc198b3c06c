//! Transactions: all of it or nothing, with a name for each condition that can fail.

use std::time::Duration;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::TransactWriteItemBuilder;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem,
    Update as Change,
};

use super::item::{Attributes, Item, Raw};
use super::{Condition, Store, Update, client};
use crate::entropy::{self, Entropy};
use crate::error::{Error, Result};
use crate::keys::{Key, Table};
use crate::seal::DataKey;
use crate::stored::Stored;

/// DynamoDB's limit of items in one transaction.
const MAX_ITEMS: usize = 100;

/// How often a transaction that met another one is tried again.
const CONFLICT_ATTEMPTS: u32 = 6;

/// Writes that happen together or not at all.
#[derive(Debug, Default)]
pub struct Transaction {
    steps: Vec<(&'static str, Table, TransactWriteItem)>,
}

/// A condition that did not hold.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// The label of the step.
    pub label: &'static str,
    /// The step's position in the transaction.
    pub index: usize,
    /// The item that was there.
    pub found: Option<Raw>,
}

/// Why a transaction was not committed.
#[derive(Debug)]
pub enum Commit {
    /// Conditions did not hold; nothing was written.
    Rejected(Vec<Rejection>),
    /// It failed; by what the caller knows nothing was written.
    Failed(Error),
}

impl From<Commit> for Error {
    fn from(commit: Commit) -> Self {
        match commit {
            Commit::Failed(error) => error,
            Commit::Rejected(rejections) => {
                let labels: Vec<_> = rejections.iter().map(|rejection| rejection.label).collect();
                Self::internal(format!("a transaction was refused at {}", labels.join(", ")))
            }
        }
    }
}

impl Transaction {
    /// An empty transaction.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of writes and checks so far.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn put(&mut self, label: &'static str, table: Table, attributes: Attributes, condition: &Condition) {
        let put = Put::builder()
            .table_name(table.as_str())
            .set_item(Some(attributes))
            .condition_expression(&condition.text)
            .set_expression_attribute_names(some(&condition.names))
            .set_expression_attribute_values(some(&condition.values))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .build()
            .expect("table and item are set");
        self.push(label, table, TransactWriteItem::builder().put(put));
    }

    fn push(&mut self, label: &'static str, table: Table, step: TransactWriteItemBuilder) {
        self.steps.push((label, table, step.build()));
    }

    /// Creates an item without a sealed part; `label` names the failure that it exists already.
    ///
    /// # Errors
    /// When the item does not encode.
    pub fn create<T: Stored<Payload = ()>>(&mut self, label: &'static str, item: &Item<T>) -> Result<()> {
        self.put_if(label, item, &Condition::absent())
    }

    /// Writes an item without a sealed part if what is there meets the condition.
    ///
    /// # Errors
    /// When the item does not encode.
    pub fn put_if<T: Stored<Payload = ()>>(
        &mut self,
        label: &'static str,
        item: &Item<T>,
        condition: &Condition,
    ) -> Result<()> {
        self.put(label, item.key.table, item.encode()?, condition);
        Ok(())
    }

    /// Creates a sealed item.
    ///
    /// # Errors
    /// When the item does not encode.
    pub fn create_sealed<T: Stored>(
        &mut self,
        label: &'static str,
        item: &Item<T>,
        data_key: &DataKey,
        entropy: &dyn Entropy,
    ) -> Result<()> {
        self.put_sealed_if(label, item, data_key, entropy, &Condition::absent())
    }

    /// Replaces the version before `item.version`.
    ///
    /// # Errors
    /// When the item does not encode.
    pub fn replace_sealed<T: Stored>(
        &mut self,
        label: &'static str,
        item: &Item<T>,
        data_key: &DataKey,
        entropy: &dyn Entropy,
    ) -> Result<()> {
        self.put_sealed_if(
            label,
            item,
            data_key,
            entropy,
            &Condition::version(item.version - 1),
        )
    }

    /// Writes a sealed item if what is there meets the condition.
    ///
    /// # Errors
    /// When the item does not encode.
    pub fn put_sealed_if<T: Stored>(
        &mut self,
        label: &'static str,
        item: &Item<T>,
        data_key: &DataKey,
        entropy: &dyn Entropy,
        condition: &Condition,
    ) -> Result<()> {
        self.put(label, item.key.table, item.seal(data_key, entropy)?, condition);
        Ok(())
    }

    /// Changes single attributes of an item that meets the condition.
    pub fn update(&mut self, label: &'static str, key: &Key, update: Update, condition: &Condition) {
        let text = update.text();
        let mut names = update.names;
        names.extend(condition.names.clone());
        let mut values = update.values;
        values.extend(condition.values.clone());
        let change = Change::builder()
            .table_name(key.table.as_str())
            .set_key(Some(client::key_attributes(key)))
            .update_expression(text)
            .condition_expression(&condition.text)
            .set_expression_attribute_names(some(&names))
            .set_expression_attribute_values(some(&values))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .build()
            .expect("table, key and expression are set");
        self.push(label, key.table, TransactWriteItem::builder().update(change));
    }

    /// Deletes the item if it meets the condition.
    pub fn delete_if(&mut self, label: &'static str, key: &Key, condition: &Condition) {
        self.remove(label, key, Some(condition));
    }

    /// Deletes the item, if there is one.
    pub fn delete(&mut self, label: &'static str, key: &Key) {
        self.remove(label, key, None);
    }

    fn remove(&mut self, label: &'static str, key: &Key, condition: Option<&Condition>) {
        let delete = Delete::builder()
            .table_name(key.table.as_str())
            .set_key(Some(client::key_attributes(key)))
            .set_condition_expression(condition.map(|condition| condition.text.clone()))
            .set_expression_attribute_names(condition.and_then(|condition| some(&condition.names)))
            .set_expression_attribute_values(condition.and_then(|condition| some(&condition.values)))
            .set_return_values_on_condition_check_failure(condition.map(|_| OnFailure::AllOld))
            .build()
            .expect("table and key are set");
        self.push(label, key.table, TransactWriteItem::builder().delete(delete));
    }

    /// Demands that an item which is not written meets the condition.
    pub fn check(&mut self, label: &'static str, key: &Key, condition: &Condition) {
        let check = ConditionCheck::builder()
            .table_name(key.table.as_str())
            .set_key(Some(client::key_attributes(key)))
            .condition_expression(&condition.text)
            .set_expression_attribute_names(some(&condition.names))
            .set_expression_attribute_values(some(&condition.values))
            .return_values_on_condition_check_failure(OnFailure::AllOld)
            .build()
            .expect("table, key and condition are set");
        self.push(
            label,
            key.table,
            TransactWriteItem::builder().condition_check(check),
        );
    }
}

fn some<T: Clone>(
    map: &std::collections::HashMap<String, T>,
) -> Option<std::collections::HashMap<String, T>> {
    (!map.is_empty()).then(|| map.clone())
}

impl Store {
    /// Commits the transaction.
    ///
    /// The token makes a repetition by the SDK harmless when only the answer was lost. A conflict with another
    /// transaction is tried again a few times with growing, random pauses.
    ///
    /// # Errors
    /// [`Commit::Rejected`] names the conditions that did not hold.
    pub async fn commit(&self, transaction: Transaction, entropy: &dyn Entropy) -> Result<(), Commit> {
        debug_assert!(
            transaction.len() <= MAX_ITEMS,
            "a transaction holds at most {MAX_ITEMS} items"
        );
        let labels: Vec<_> = transaction
            .steps
            .iter()
            .map(|(label, table, _)| (*label, *table))
            .collect();
        let items: Vec<_> = transaction
            .steps
            .into_iter()
            .map(|(_, table, step)| self.with_table_name(table, step))
            .collect();
        let mut attempt = 0;
        loop {
            // A cancelled transaction was not applied, so the next attempt is a new one and needs a new token.
            let token = hex::encode(entropy::bytes::<16>(entropy));
            let sent = self
                .client()
                .transact_write_items()
                .set_transact_items(Some(items.clone()))
                .client_request_token(token)
                .send()
                .await;
            let Err(error) = sent else { return Ok(()) };
            let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
                error.as_service_error()
            else {
                return Err(Commit::Failed(client::failure("TransactWriteItems", &error)));
            };
            let reasons = cancelled.cancellation_reasons();
            let rejections: Vec<_> = reasons
                .iter()
                .zip(labels.iter().enumerate())
                .filter(|(reason, _)| reason.code() == Some("ConditionalCheckFailed"))
                .map(|(reason, (index, &(label, table)))| Rejection {
                    label,
                    index,
                    found: reason
                        .item
                        .clone()
                        .and_then(|attributes| Raw::new(table, attributes).ok()),
                })
                .collect();
            if !rejections.is_empty() {
                return Err(Commit::Rejected(rejections));
            }
            attempt += 1;
            let transient = |code: &str| {
                matches!(
                    code,
                    "TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded"
                )
            };
            let codes: Vec<_> = reasons.iter().filter_map(|reason| reason.code()).collect();
            if !codes.iter().any(|code| transient(code)) {
                return Err(Commit::Failed(Error::internal(format!(
                    "TransactWriteItems was cancelled: {}",
                    error.code().unwrap_or("unknown")
                ))));
            }
            if attempt == CONFLICT_ATTEMPTS {
                return Err(Commit::Failed(Error::unavailable(
                    "TransactWriteItems met conflicts every time",
                )));
            }
            pause(attempt, entropy).await;
        }
    }
}

/// Waits before attempt `attempt + 1`: up to 20 ms doubled each time, at most 500 ms, at random.
pub(super) async fn pause(attempt: u32, entropy: &dyn Entropy) {
    let ceiling = (20_u64 << attempt.min(6)).min(500);
    let random = u64::from(u16::from_be_bytes(entropy::bytes(entropy)));
    tokio::time::sleep(Duration::from_millis(ceiling * random / 65_536)).await;
}

//! The client: consistent reads of many keys in one round trip, deletes in batches, failures in our words.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeValue, DeleteRequest, KeysAndAttributes, TransactWriteItem, WriteRequest,
};

use super::item::{Attributes, Raw};
use super::{Condition, Update};
use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::keys::{Key, Table};

/// How often the rest of a partly answered batch is asked for again.
const BATCH_ATTEMPTS: u32 = 6;

/// DynamoDB's limit of keys in one BatchGetItem.
const MAX_READS: usize = 100;

/// DynamoDB's limit of writes in one BatchWriteItem.
const MAX_DELETES: usize = 25;

/// The names of the tables in this deployment.
#[derive(Debug, Clone)]
pub struct TableNames {
    /// Table `core`.
    pub core: String,
    /// Table `control`.
    pub control: String,
    /// Table `keys`.
    pub keys: String,
    /// Table `ephemeral`.
    pub ephemeral: String,
}

/// The tables.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    names: TableNames,
}

impl Store {
    /// The tables behind `client`.
    pub fn new(client: Client, names: TableNames) -> Self {
        Self { client, names }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn name(&self, table: Table) -> &str {
        match table {
            Table::Core => &self.names.core,
            Table::Control => &self.names.control,
            Table::Keys => &self.names.keys,
            Table::Ephemeral => &self.names.ephemeral,
        }
    }

    fn table(&self, name: &str) -> Option<Table> {
        Table::ALL.into_iter().find(|&table| self.name(table) == name)
    }

    pub(super) fn with_table_name(&self, table: Table, mut step: TransactWriteItem) -> TransactWriteItem {
        let name = self.name(table);
        if let Some(put) = &mut step.put {
            put.table_name = name.to_owned();
        }
        if let Some(update) = &mut step.update {
            update.table_name = name.to_owned();
        }
        if let Some(delete) = &mut step.delete {
            delete.table_name = name.to_owned();
        }
        if let Some(check) = &mut step.condition_check {
            check.table_name = name.to_owned();
        }
        step
    }

    /// Reads the items of all `keys`, strongly consistent, in one round trip for up to 100 keys.
    ///
    /// # Errors
    /// When any key stays unanswered: an answer is whole or it is an error (K-13).
    pub async fn get(&self, keys: &[Key], entropy: &dyn Entropy) -> Result<HashMap<Key, Raw>> {
        let mut found = HashMap::new();
        for chunk in keys.chunks(MAX_READS) {
            self.get_chunk(chunk, entropy, &mut found).await?;
        }
        Ok(found)
    }

    async fn get_chunk(
        &self,
        keys: &[Key],
        entropy: &dyn Entropy,
        found: &mut HashMap<Key, Raw>,
    ) -> Result<()> {
        let mut wanted: HashMap<String, Vec<Attributes>> = HashMap::new();
        for key in keys {
            let of_table = wanted.entry(self.name(key.table).to_owned()).or_default();
            let attributes = key_attributes(key);
            if !of_table.contains(&attributes) {
                of_table.push(attributes);
            }
        }
        let mut request: HashMap<_, _> = wanted
            .into_iter()
            .map(|(name, keys)| (name, consistent(keys)))
            .collect();
        for attempt in 1..=BATCH_ATTEMPTS {
            let output = self
                .client
                .batch_get_item()
                .set_request_items(Some(request))
                .send()
                .await
                .map_err(|error| failure("BatchGetItem", &error))?;
            for (name, items) in output.responses.unwrap_or_default() {
                let table = self
                    .table(&name)
                    .ok_or_else(|| Error::internal("an answer of an unknown table"))?;
                for attributes in items {
                    let raw = Raw::new(table, attributes)?;
                    found.insert(raw.key.clone(), raw);
                }
            }
            request = output.unprocessed_keys.unwrap_or_default();
            if request.is_empty() {
                return Ok(());
            }
            super::transaction::pause(attempt, entropy).await;
        }
        Err(Error::unavailable("BatchGetItem left keys unanswered"))
    }

    /// Reads one item, strongly consistent.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn get_one(&self, key: &Key) -> Result<Option<Raw>> {
        let output = self
            .client
            .get_item()
            .table_name(self.name(key.table))
            .set_key(Some(key_attributes(key)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| failure("GetItem", &error))?;
        output
            .item
            .map(|attributes| Raw::new(key.table, attributes))
            .transpose()
    }

    /// Changes single attributes of one item that meets the condition; `false` when it does not.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn update(&self, key: &Key, update: Update, condition: &Condition) -> Result<bool> {
        let text = update.text();
        let (mut names, mut values) = (update.names, update.values);
        names.extend(condition.names.clone());
        values.extend(condition.values.clone());
        let sent = self
            .client
            .update_item()
            .table_name(self.name(key.table))
            .set_key(Some(key_attributes(key)))
            .update_expression(text)
            .condition_expression(&condition.text)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(failure("UpdateItem", &error)),
        }
    }

    /// Deletes items without a condition, 25 to a round trip.
    ///
    /// # Errors
    /// When any delete stays unanswered (K-12).
    pub async fn delete_all(&self, keys: &[Key], entropy: &dyn Entropy) -> Result<()> {
        for chunk in keys.chunks(MAX_DELETES) {
            let mut request: HashMap<String, Vec<WriteRequest>> = HashMap::new();
            for key in chunk {
                let delete = DeleteRequest::builder()
                    .set_key(Some(key_attributes(key)))
                    .build()
                    .map_err(|error| Error::internal(error.to_string()))?;
                request
                    .entry(self.name(key.table).to_owned())
                    .or_default()
                    .push(WriteRequest::builder().delete_request(delete).build());
            }
            self.write_batch(request, entropy).await?;
        }
        Ok(())
    }

    async fn write_batch(
        &self,
        mut request: HashMap<String, Vec<WriteRequest>>,
        entropy: &dyn Entropy,
    ) -> Result<()> {
        for attempt in 1..=BATCH_ATTEMPTS {
            let output = self
                .client
                .batch_write_item()
                .set_request_items(Some(request))
                .send()
                .await
                .map_err(|error| failure("BatchWriteItem", &error))?;
            request = output.unprocessed_items.unwrap_or_default();
            if request.is_empty() {
                return Ok(());
            }
            super::transaction::pause(attempt, entropy).await;
        }
        Err(Error::unavailable("BatchWriteItem left items unprocessed"))
    }
}

fn consistent(keys: Vec<Attributes>) -> KeysAndAttributes {
    KeysAndAttributes::builder()
        .set_keys(Some(keys))
        .consistent_read(true)
        .build()
        .expect("the keys are set")
}

pub(super) fn key_attributes(key: &Key) -> Attributes {
    Attributes::from([
        ("pk".to_owned(), AttributeValue::S(key.pk.clone())),
        ("sk".to_owned(), AttributeValue::S(key.sk.clone())),
    ])
}

/// The failure of an AWS call. What load, time or a broken connection caused is the dependency's and worth another
/// try; what the service refuses for another reason is a defect of ours.
pub(crate) fn failure<E, R>(operation: &'static str, error: &SdkError<E, R>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let code = error.code();
    match error {
        SdkError::TimeoutError(_) => Error::unavailable(format!("{operation}: timeout")),
        SdkError::DispatchFailure(_) => Error::unavailable(format!("{operation}: no connection")),
        SdkError::ResponseError(_) => Error::unavailable(format!("{operation}: unreadable answer")),
        _ => match code {
            Some(code) if is_transient(code) => Error::unavailable(format!("{operation}: {code}")),
            Some(code) => Error::internal(format!("{operation}: {code}")),
            None => Error::unavailable(format!("{operation}: an answer without an error code")),
        },
    }
}

fn is_transient(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "ThrottlingException"
            | "Throttling"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "SlowDown"
            | "ServiceUnavailable"
            | "InternalServerError"
            | "InternalError"
            | "InternalFailure"
            | "InternalServiceError"
            | "TransactionInProgressException"
            | "TransactionConflictException"
            | "KMSInternalException"
            // A key that is out of reach or switched off: it can be there again, and nothing is lost meanwhile (S-03).
            | "KeyUnavailableException"
            | "DisabledException"
            | "KMSInvalidStateException"
            | "DependencyTimeoutException"
            | "LimitExceededException"
            | "MaintenanceException"
            | "RequestTimeout"
    )
}

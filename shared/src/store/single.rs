//! Writes of one item, which need no transaction.

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::item::{TYPE, VERSION};
use super::{Condition, Item, Raw, Store, Update, client};
use crate::error::{Error, Result};
use crate::keys::Key;
use crate::stored::Stored;

/// The attribute that DynamoDB's housekeeping reads.
const TTL: &str = "ttl";

impl Store {
    /// Writes an item without a sealed part if what is there meets the condition; `false` when it does not.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn put<T: Stored<Payload = ()>>(&self, item: &Item<T>, condition: &Condition) -> Result<bool> {
        let values = condition.values.clone();
        let sent = self
            .client()
            .put_item()
            .table_name(self.name(item.key.table))
            .set_item(Some(item.encode()?))
            .condition_expression(&condition.text)
            .set_expression_attribute_names(Some(condition.names.clone()))
            .set_expression_attribute_values((!values.is_empty()).then_some(values))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConditionalCheckFailedException") => Ok(false),
            Err(error) => Err(client::failure("PutItem", &error)),
        }
    }

    /// Takes an item away, and gives it as it was: of any number that ask at one moment, one gets it. When only the answer
    /// is lost, nobody does.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn take(&self, key: &Key) -> Result<Option<Raw>> {
        let sent = self
            .client()
            .delete_item()
            .table_name(self.name(key.table))
            .set_key(Some(client::key_attributes(key)))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(|error| client::failure("DeleteItem", &error))?;
        let taken = sent.attributes.map(|attributes| Raw::new(key.table, attributes));
        taken.transpose()
    }

    /// Adds one to a counter, which is made when it is not there, and says how many there are now. The counter is the
    /// item's version. A repetition by the SDK, when only the answer was lost, counts twice.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn count<T: Stored<Facts = T, Payload = ()>>(&self, key: &Key, ttl: Timestamp) -> Result<u64> {
        let update = Update::new()
            .set_text(TYPE, T::INFO.name)
            .set_number(TTL, ttl.as_second())
            .add(VERSION, 1);
        let text = update.text();
        let output = self
            .client()
            .update_item()
            .table_name(self.name(key.table))
            .set_key(Some(client::key_attributes(key)))
            .update_expression(text)
            .set_expression_attribute_names(Some(update.names))
            .set_expression_attribute_values(Some(update.values))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(|error| client::failure("UpdateItem", &error))?;
        match output
            .attributes
            .as_ref()
            .and_then(|changed| changed.get(VERSION))
        {
            Some(AttributeValue::N(number)) => number.parse().ok(),
            _ => None,
        }
        .ok_or_else(|| Error::internal("UpdateItem gave no count"))
    }
}

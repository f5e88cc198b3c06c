//! What is stored, as it lies there: for the control calls, and for tests that look for traces.

use std::path::PathBuf;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use crate::account::Account;
use crate::machine::Machine;

impl Machine {
    /// The items of a table as they lie there: keys and clear attributes.
    ///
    /// # Errors
    /// When there is no such table, or it does not answer.
    pub async fn items(&self, table: &str) -> Result<Vec<Value>, String> {
        let client = self.operator().dynamodb();
        let mut items = Vec::new();
        let mut start = None;
        loop {
            let page = client
                .scan()
                .table_name(format!("trackwell-{table}"))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|_| format!("There is no table {table}: core, control, keys or ephemeral."))?;
            items.extend(page.items().iter().map(|item| {
                let clear = item
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), clear(value)?)));
                Value::Object(clear.collect())
            }));
            start = page.last_evaluated_key().cloned();
            if start.is_none() {
                return Ok(items);
            }
        }
    }

    /// The items of a table in DynamoDB's JSON, byte for byte what [`import`](Self::import) takes.
    ///
    /// # Errors
    /// When there is no such table.
    pub fn export(&self, table: &str) -> Result<Vec<String>, String> {
        let items = self.tables.items(&format!("trackwell-{table}"))?;
        Ok(items.iter().map(Value::to_string).collect())
    }

    /// Puts items into a table at once, for measurements that need more of them than requests could make.
    ///
    /// # Errors
    /// When there is no such table, or one of them is not an item; then nothing was put.
    pub fn import(&self, table: &str, items: &[String]) -> Result<(), String> {
        self.tables.import(&format!("trackwell-{table}"), items)
    }

    /// The versions and delete markers of a bucket.
    ///
    /// # Errors
    /// When there is no such bucket, or it does not answer.
    pub async fn object_versions(&self, bucket: &str) -> Result<Vec<Value>, String> {
        let client = self.operator().s3();
        let mut found = Vec::new();
        let (mut key, mut version) = (None, None);
        loop {
            let page = client
                .list_object_versions()
                .bucket(self.bucket(bucket))
                .set_key_marker(key)
                .set_version_id_marker(version)
                .send()
                .await
                .map_err(|_| format!("There is no bucket {bucket}: files or ledger."))?;
            let one = |key: Option<&str>, version: Option<&str>, marker: bool| json!({ "key": key, "version": version, "delete_marker": marker });
            found.extend(
                page.versions()
                    .iter()
                    .map(|of| one(of.key(), of.version_id(), false)),
            );
            found.extend(
                page.delete_markers()
                    .iter()
                    .map(|of| one(of.key(), of.version_id(), true)),
            );
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            key = page.next_key_marker().map(str::to_owned);
            version = page.next_version_id_marker().map(str::to_owned);
        }
    }

    /// Everything at rest but the mailbox, as pairs of a name and bytes: each item, each object version, each row of
    /// their metadata and, for a stack in a directory, each file. For tests that look for traces.
    ///
    /// # Errors
    /// When something cannot be read: a search that skips it would prove nothing.
    pub async fn raw_bytes(&self) -> Result<Vec<(String, Vec<u8>)>, String> {
        let mut found = match &self.account {
            Account::Embedded(_) => self.tables.raw_bytes().await?,
            Account::External(external) => external.raw_bytes().await?,
        };
        found.extend(self.s3.raw_bytes());
        let mut directories: Vec<PathBuf> = self.directory.iter().cloned().collect();
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(&directory).map_err(|error| error.to_string())? {
                let path = entry.map_err(|error| error.to_string())?.path();
                if path.is_dir() {
                    if path.file_name().is_some_and(|name| name != "mailbox") {
                        directories.push(path);
                    }
                } else {
                    let bytes =
                        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                    found.push((path.display().to_string(), bytes));
                }
            }
        }
        Ok(found)
    }
}

/// An attribute that lies in the clear, as JSON; `None` for bytes, which are sealed.
fn clear(value: &AttributeValue) -> Option<Value> {
    match value {
        AttributeValue::S(text) => Some(Value::from(text.as_str())),
        AttributeValue::N(number) => Some(Value::from(number.as_str())),
        AttributeValue::Bool(truth) => Some(Value::from(*truth)),
        AttributeValue::L(values) => Some(values.iter().filter_map(clear).collect()),
        AttributeValue::M(map) => Some(Value::Object(
            map.iter()
                .filter_map(|(name, value)| Some((name.clone(), clear(value)?)))
                .collect(),
        )),
        _ => None,
    }
}

//! The tables: an embedded DynamoDB, called as a library.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use http::{Response, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::deployment::TABLES;

#[cfg(test)]
mod tests;

const JSON: header::HeaderValue = header::HeaderValue::from_static("application/x-amz-json-1.0");

/// The tables.
#[derive(Clone)]
pub(crate) struct Tables {
    database: Database,
    /// The file; none in memory. With one, a call waits for the disk, and so must not hold up the other requests.
    file: Option<PathBuf>,
}

/// The capacity that a call consumed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Consumed {
    pub(crate) read: f64,
    pub(crate) write: f64,
}

impl Tables {
    /// Tables in memory, or in `tables.db` of a directory. Each commit reaches the disk before it is acknowledged:
    /// SQLite's log with its default `synchronous = FULL`.
    pub(crate) fn open(directory: Option<&Path>) -> Result<Self, String> {
        let file = directory.map(|directory| directory.join("tables.db"));
        let database = file
            .as_deref()
            .map_or_else(Database::memory, |file| Database::new(&file.to_string_lossy()));
        let tables = Self {
            database: database.map_err(|error| error.to_string())?,
            file,
        };
        tables.create()?;
        Ok(tables)
    }

    /// Creates the tables that do not exist yet.
    fn create(&self) -> Result<(), String> {
        let listed = dispatch(&self.database, "ListTables", "{}").map_err(|error| error.to_string())?;
        let listed: Value = serde_json::from_str(&listed).map_err(|error| error.to_string())?;
        for (parameter, name) in TABLES {
            let exists = listed["TableNames"]
                .as_array()
                .is_some_and(|names| names.contains(&name.into()));
            if !exists {
                let definition = definition(name, parameter == "CoreTable").to_string();
                dispatch(&self.database, "CreateTable", &definition)
                    .map_err(|error| format!("{name}: {error}"))?;
            }
        }
        Ok(())
    }

    /// Answers one request.
    pub(crate) async fn call(&self, operation: &str, body: &Bytes) -> Response<Bytes> {
        let answer = match std::str::from_utf8(body) {
            Err(error) => Err(DynoxideError::SerializationException(error.to_string())),
            Ok(body) if self.file.is_some() => {
                let (database, operation, body) =
                    (self.database.clone(), operation.to_owned(), body.to_owned());
                tokio::task::spawn_blocking(move || dispatch(&database, &operation, &body))
                    .await
                    .unwrap_or_else(|error| Err(DynoxideError::InternalServerError(error.to_string())))
            }
            Ok(body) => dispatch(&self.database, operation, body),
        };
        let (status, body) = match answer {
            Ok(body) => (StatusCode::OK, body),
            Err(error) => {
                if error.status_code() >= 500 {
                    tracing::error!(operation, %error, "the tables fail");
                }
                let status = StatusCode::from_u16(error.status_code()).unwrap_or(StatusCode::BAD_REQUEST);
                (status, error.to_json())
            }
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
        response
    }

    /// Rewrites the file without what was deleted. SQLite leaves deleted rows in free pages and in its log, where a
    /// destroyed key could still be found.
    pub(crate) async fn compact(&self) -> Result<(), String> {
        let Some(file) = self.file.clone() else {
            return Ok(());
        };
        let database = self.database.clone();
        let work = move || {
            database.vacuum().map_err(|error| error.to_string())?;
            let connection = rusqlite::Connection::open(file).map_err(|error| error.to_string())?;
            connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .map_err(|error| error.to_string())
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| error.to_string())?
    }

    /// See [`raw_bytes`].
    pub(crate) async fn raw_bytes(&self) -> Result<Vec<(String, Vec<u8>)>, String> {
        raw_bytes(async |request: Value| {
            let page = dispatch(&self.database, "Scan", &request.to_string());
            serde_json::from_str(&page.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
        })
        .await
    }

    /// Every item of a table, in DynamoDB's JSON.
    pub(crate) fn items(&self, table: &str) -> Result<Vec<Value>, String> {
        let mut items = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut request = json!({ "TableName": table });
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let page =
                dispatch(&self.database, "Scan", &request.to_string()).map_err(|error| error.to_string())?;
            let mut page: Value = serde_json::from_str(&page).map_err(|error| error.to_string())?;
            if let Value::Array(found) = page["Items"].take() {
                items.extend(found);
            }
            start = page["LastEvaluatedKey"].take();
            if start.is_null() {
                return Ok(items);
            }
        }
    }

    /// Puts items into a table and its index, all or none, past everything that a request goes through.
    pub(crate) fn import(&self, table: &str, items: &[String]) -> Result<(), String> {
        let parsed: Result<Vec<dynoxide::Item>, _> =
            items.iter().map(|item| serde_json::from_str(item)).collect();
        let parsed = parsed.map_err(|error| error.to_string())?;
        self.database
            .import_items(table, parsed, dynoxide::ImportOptions::default())
            .map(|_| ())
            .map_err(|error| error.to_string())
    }
}

/// Every item of every table, as pairs of the table's name and bytes: the item's JSON, and each binary value as it is.
/// For tests that look for traces.
pub(crate) async fn raw_bytes(
    scan: impl AsyncFn(Value) -> Result<Value, String>,
) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut found = Vec::new();
    for (_, name) in TABLES {
        let mut start = Value::Null;
        loop {
            let mut request = json!({ "TableName": name });
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let mut page = scan(request).await?;
            for item in page["Items"].as_array().into_iter().flatten() {
                found.push((name.to_owned(), item.to_string().into_bytes()));
                for value in item.as_object().into_iter().flat_map(|item| item.values()) {
                    if let Some(Ok(bytes)) = value["B"].as_str().map(|text| BASE64.decode(text)) {
                        found.push((name.to_owned(), bytes));
                    }
                }
            }
            start = page["LastEvaluatedKey"].take();
            if start.is_null() {
                break;
            }
        }
    }
    Ok(found)
}

/// What describes a table when it is created.
pub(crate) fn definition(name: &str, has_index: bool) -> Value {
    let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let keys = |hash: &str, range: &str| {
        json!([
            { "AttributeName": hash, "KeyType": "HASH" },
            { "AttributeName": range, "KeyType": "RANGE" },
        ])
    };
    let mut definition = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": keys("pk", "sk"),
        "AttributeDefinitions": [attribute("pk"), attribute("sk")],
    });
    if has_index {
        definition["AttributeDefinitions"] = json!(["pk", "sk", "g1pk", "g1sk"].map(attribute));
        definition["GlobalSecondaryIndexes"] = json!([{
            "IndexName": "by_update",
            "KeySchema": keys("g1pk", "g1sk"),
            "Projection": { "ProjectionType": "KEYS_ONLY" },
        }]);
    }
    definition
}

type Answer = Result<String, DynoxideError>;

fn dispatch(database: &Database, operation: &str, body: &str) -> Answer {
    match operation {
        "GetItem" => run(body, |request| database.get_item(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "BatchWriteItem" => run(body, |request| database.batch_write_item(request)),
        "TransactWriteItems" => run(body, |request| database.transact_write_items(request)),
        "TransactGetItems" => run(body, |request| database.transact_get_items(request)),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "DescribeTable" => run(body, |request| database.describe_table(request)),
        "ListTables" => run(body, |request| database.list_tables(request)),
        other => Err(DynoxideError::ValidationException(format!(
            "the operation {other} does not exist here"
        ))),
    }
}

fn run<Q: DeserializeOwned, A: Serialize>(
    body: &str,
    operation: impl FnOnce(Q) -> Result<A, DynoxideError>,
) -> Answer {
    let answer = operation(serde_json::from_str(body).map_err(|error| unreadable(&error))?)?;
    serde_json::to_string(&answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The library marks what DynamoDB calls a validation error by the beginning of the message.
fn unreadable(error: &serde_json::Error) -> DynoxideError {
    let text = error.to_string();
    match text.split_once(':') {
        Some((mark, message)) if mark.starts_with("VALIDATION") => {
            DynoxideError::ValidationException(message.to_owned())
        }
        _ => DynoxideError::SerializationException(text),
    }
}

/// Asks in a request for the capacity that it consumes.
pub(crate) fn metered(body: &Bytes) -> Option<Bytes> {
    let mut request: Value = serde_json::from_slice(body).ok()?;
    request
        .as_object_mut()?
        .insert("ReturnConsumedCapacity".to_owned(), "TOTAL".into());
    Some(Bytes::from(request.to_string()))
}

/// The capacity that an answer says was consumed.
pub(crate) fn consumed(operation: &str, answer: &[u8]) -> Consumed {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let reported = &answer["ConsumedCapacity"];
    let tables = reported
        .as_array()
        .map_or_else(|| std::slice::from_ref(reported), Vec::as_slice);
    let reads = matches!(
        operation,
        "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems"
    );
    let mut sum = Consumed::default();
    for table in tables {
        let units = |name: &str| table[name].as_f64();
        match (
            units("ReadCapacityUnits"),
            units("WriteCapacityUnits"),
            units("CapacityUnits"),
        ) {
            (None, None, Some(total)) if reads => sum.read += total,
            (None, None, Some(total)) => sum.write += total,
            (read, write, _) => {
                sum.read += read.unwrap_or_default();
                sum.write += write.unwrap_or_default();
            }
        }
    }
    sum
}

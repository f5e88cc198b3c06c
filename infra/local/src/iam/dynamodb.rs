//! What a DynamoDB request touches: tables, indexes and the partition keys it names.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{AwsCall, Place};

type Object = Map<String, Value>;

/// The partition key of every table; that of an index is called so with a prefix, as in `g1pk`.
const PARTITION_KEY: &str = "pk";

/// The partition keys by action and resource. Keys of one action on one table are judged together, as one statement
/// has to allow them all.
#[derive(Default)]
struct Touched(BTreeMap<(&'static str, String), Vec<String>>);

impl Touched {
    fn add(&mut self, action: &'static str, resource: String, keys: impl IntoIterator<Item = String>) {
        let found = self.0.entry((action, resource)).or_default();
        for key in keys {
            if !found.contains(&key) {
                found.push(key);
            }
        }
    }
}

/// The permissions that an operation needs.
pub(super) fn calls(operation: &str, body: &Object, place: Place<'_>) -> Result<Vec<AwsCall>, String> {
    let mut touched = Touched::default();
    match operation {
        "GetItem" => single(&mut touched, "dynamodb:GetItem", body, "Key", place)?,
        "UpdateItem" => single(&mut touched, "dynamodb:UpdateItem", body, "Key", place)?,
        "DeleteItem" => single(&mut touched, "dynamodb:DeleteItem", body, "Key", place)?,
        "PutItem" => single(&mut touched, "dynamodb:PutItem", body, "Item", place)?,
        "Query" => touched.add("dynamodb:Query", source(body, place)?, [queried_key(body)?]),
        "Scan" => touched.add("dynamodb:Scan", source(body, place)?, []),
        "DescribeTable" => touched.add("dynamodb:DescribeTable", table(body, place)?, []),
        "BatchGetItem" => {
            for (name, request) in object(body, "RequestItems")? {
                let keys = request
                    .get("Keys")
                    .and_then(Value::as_array)
                    .ok_or("Keys is not a list")?;
                let keys: Result<Vec<_>, _> = keys.iter().map(partition_key).collect();
                touched.add("dynamodb:BatchGetItem", arn(name, place)?, keys?);
            }
        }
        "BatchWriteItem" => {
            for (name, requests) in object(body, "RequestItems")? {
                let requests = requests.as_array().ok_or("RequestItems is not of lists")?;
                let keys: Result<Vec<_>, _> = requests.iter().map(written_key).collect();
                touched.add("dynamodb:BatchWriteItem", arn(name, place)?, keys?);
            }
        }
        "TransactWriteItems" => {
            // There is no permission for the transaction: AWS asks for those of the operations in it.
            for (kind, part) in transacted(body)? {
                let (action, field) = match kind {
                    "Put" => ("dynamodb:PutItem", "Item"),
                    "Update" => ("dynamodb:UpdateItem", "Key"),
                    "Delete" => ("dynamodb:DeleteItem", "Key"),
                    "ConditionCheck" => ("dynamodb:ConditionCheckItem", "Key"),
                    other => return Err(format!("{other} is not known in a transaction")),
                };
                single(&mut touched, action, part, field, place)?;
            }
        }
        "TransactGetItems" => {
            for (kind, part) in transacted(body)? {
                match kind {
                    "Get" => single(&mut touched, "dynamodb:GetItem", part, "Key", place)?,
                    other => return Err(format!("{other} is not known in a transaction")),
                }
            }
        }
        other => return Err(format!("the operation {other} of DynamoDB is not known here")),
    }
    if touched.0.is_empty() {
        return Err(format!("{operation} touches nothing"));
    }
    let call = |((action, resource), leading_keys)| AwsCall {
        leading_keys,
        ..AwsCall::new(action, resource)
    };
    Ok(touched.0.into_iter().map(call).collect())
}

fn single(
    touched: &mut Touched,
    action: &'static str,
    body: &Object,
    field: &str,
    place: Place<'_>,
) -> Result<(), String> {
    let item = body.get(field).ok_or_else(|| format!("{field} is missing"))?;
    touched.add(action, table(body, place)?, [partition_key(item)?]);
    Ok(())
}

fn object<'a>(body: &'a Object, field: &str) -> Result<&'a Object, String> {
    body.get(field)
        .and_then(Value::as_object)
        .ok_or_else(|| format!("{field} is not an object"))
}

fn table(body: &Object, place: Place<'_>) -> Result<String, String> {
    arn(
        body.get("TableName")
            .and_then(Value::as_str)
            .ok_or("TableName is missing")?,
        place,
    )
}

fn arn(name: &str, place: Place<'_>) -> Result<String, String> {
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    // A table can be named by its ARN too; nothing here does, and a name that only looks like one must not pass.
    if is_name {
        Ok(format!(
            "arn:aws:dynamodb:{}:{}:table/{name}",
            place.region, place.account
        ))
    } else {
        Err(format!("{name:?} is not the name of a table"))
    }
}

/// What a query or a scan reads: the table or one of its indexes.
fn source(body: &Object, place: Place<'_>) -> Result<String, String> {
    let table = table(body, place)?;
    match body.get("IndexName") {
        None | Some(Value::Null) => Ok(table),
        Some(index) => Ok(format!(
            "{table}/index/{}",
            index.as_str().ok_or("IndexName is not a text")?
        )),
    }
}

fn partition_key(item: &Value) -> Result<String, String> {
    scalar(
        item.get(PARTITION_KEY)
            .ok_or_else(|| format!("a key has no {PARTITION_KEY}"))?,
    )
}

fn scalar(value: &Value) -> Result<String, String> {
    let fields = value.as_object().filter(|fields| fields.len() == 1);
    let typed = fields.and_then(|fields| fields.iter().next());
    match typed.map(|(kind, value)| (kind.as_str(), value.as_str())) {
        Some(("S" | "N" | "B", Some(text))) => Ok(text.to_owned()),
        _ => Err(format!(
            "a partition key is not a text, a number or bytes: {value}"
        )),
    }
}

fn written_key(request: &Value) -> Result<String, String> {
    let fields = request
        .as_object()
        .filter(|fields| fields.len() == 1)
        .ok_or("a write is not one request")?;
    match fields.iter().next().map(|(kind, part)| (kind.as_str(), part)) {
        Some(("PutRequest", part)) => partition_key(part.get("Item").unwrap_or(&Value::Null)),
        Some(("DeleteRequest", part)) => partition_key(part.get("Key").unwrap_or(&Value::Null)),
        _ => Err("a write is neither a put nor a delete".to_owned()),
    }
}

fn transacted(body: &Object) -> Result<Vec<(&str, &Object)>, String> {
    let items = body
        .get("TransactItems")
        .and_then(Value::as_array)
        .ok_or("TransactItems is not a list")?;
    let mut parts = Vec::new();
    for item in items {
        let fields = item.as_object().filter(|fields| fields.len() == 1);
        let part = fields.and_then(|fields| fields.iter().next());
        let (kind, part) = part.ok_or("a part of the transaction is not one operation")?;
        parts.push((
            kind.as_str(),
            part.as_object()
                .ok_or("a part of the transaction is not an object")?,
        ));
    }
    Ok(parts)
}

/// The value that the partition key has to equal.
fn queried_key(body: &Object) -> Result<String, String> {
    if body.contains_key("KeyConditions") {
        return Err("KeyConditions is not read here; use KeyConditionExpression".to_owned());
    }
    let expression = body.get("KeyConditionExpression").and_then(Value::as_str);
    let tokens = tokens(expression.ok_or("KeyConditionExpression is missing")?);
    let has_index = body.get("IndexName").is_some_and(|index| !index.is_null());
    let is_partition_key = |operand: &str| {
        let names = body.get("ExpressionAttributeNames");
        let name = match operand.starts_with('#') {
            true => names
                .and_then(|names| names.get(operand))
                .and_then(Value::as_str)
                .unwrap_or_default(),
            false => operand,
        };
        if has_index {
            name.ends_with(PARTITION_KEY)
        } else {
            name == PARTITION_KEY
        }
    };
    let mut found = Vec::new();
    for window in tokens.windows(3) {
        match window {
            [left, "=", right] if right.starts_with(':') && is_partition_key(left) => found.push(*right),
            [left, "=", right] if left.starts_with(':') && is_partition_key(right) => found.push(*left),
            _ => {}
        }
    }
    let [placeholder] = found.as_slice() else {
        return Err("the query does not compare its partition key with one value".to_owned());
    };
    let values = body.get("ExpressionAttributeValues");
    let value = values.and_then(|values| values.get(*placeholder));
    scalar(value.ok_or_else(|| format!("{placeholder} has no value"))?)
}

/// The words and comparisons of a key condition. Parentheses and commas only separate: a key condition has no
/// alternatives that they could group.
fn tokens(expression: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' | ',' => first.len_utf8(),
            '<' | '>' | '=' => rest.find(|c| !matches!(c, '<' | '>' | '=')).unwrap_or(rest.len()),
            _ => {
                let is_end = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '<' | '>' | '=');
                rest.find(is_end).unwrap_or(rest.len())
            }
        };
        let (token, after) = rest.split_at(length);
        if !matches!(first, '(' | ')' | ',') {
            tokens.push(token);
        }
        rest = after.trim_start();
    }
    tokens
}

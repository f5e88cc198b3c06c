//! More people in an organisation than the one who registered it.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use crate::harness::{Customer, World};

/// A custom role of which [`define_role`] says what it may do.
pub const ROLE: &str = "role_00000000000000000000000007";

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// Makes a customer who registered alone a member of another's organisation, where they are signed in then. How people
/// really join has tests of its own.
pub async fn join(world: &World, customer: &mut Customer, organisation: &str, role: &str) {
    let user = customer.get("/v1/me").await.text("id");
    put_membership(world, organisation, &user, role, false).await;
    let client = world.stack.operator().dynamodb();
    client
        .update_item()
        .table_name("trackwell-core")
        .key("pk", text(&format!("USER#{user}")))
        .key("sk", text("A"))
        .update_expression("SET org = :org")
        .expression_attribute_values(":org", text(organisation))
        .send()
        .await
        .unwrap();
    customer.sign_in().await;
}

/// Writes a membership as it is now.
pub async fn put_membership(world: &World, organisation: &str, user: &str, role: &str, suspended: bool) {
    let now = world.now().to_string();
    let mut item = HashMap::from([
        ("pk".to_owned(), text(&format!("ORG#{organisation}"))),
        ("sk".to_owned(), text(&format!("MEMBER#{user}"))),
        ("t".to_owned(), text("membership")),
        ("v".to_owned(), AttributeValue::N("1".to_owned())),
        ("role".to_owned(), text(role)),
        ("created_at".to_owned(), text(&now)),
    ]);
    if suspended {
        item.insert("suspended_at".to_owned(), text(&now));
    }
    let client = world.stack.operator().dynamodb();
    let put = client
        .put_item()
        .table_name("trackwell-core")
        .set_item(Some(item));
    put.send().await.unwrap();
}

/// Takes a membership away.
pub async fn remove_membership(world: &World, organisation: &str, user: &str) {
    let client = world.stack.operator().dynamodb();
    let delete = client
        .delete_item()
        .table_name("trackwell-core")
        .key("pk", text(&format!("ORG#{organisation}")))
        .key("sk", text(&format!("MEMBER#{user}")));
    delete.send().await.unwrap();
}

/// Gives an organisation the custom role [`ROLE`] with these actions.
pub async fn define_role(world: &World, organisation: &str, actions: &[&str]) {
    let actions = actions.iter().map(|action| text(action)).collect();
    let grants = HashMap::from([
        ("actions".to_owned(), AttributeValue::L(actions)),
        ("records".to_owned(), text("all")),
    ]);
    let roles = HashMap::from([(ROLE.to_owned(), AttributeValue::M(grants))]);
    let client = world.stack.operator().dynamodb();
    let update = client
        .update_item()
        .table_name("trackwell-core")
        .key("pk", text(&format!("ORG#{organisation}")))
        .key("sk", text("A"))
        .update_expression("SET #roles = :roles")
        .expression_attribute_names("#roles", "roles")
        .expression_attribute_values(":roles", AttributeValue::M(roles));
    update.send().await.unwrap();
}

/// The id of a customer's organisation.
pub async fn organisation_of(customer: &Customer) -> String {
    customer.get("/v1/organisation").await.text("id")
}

/// The kinds of the entries that a log shows, newest first.
pub fn kinds(log: &Value) -> Vec<&str> {
    let entries = log["data"].as_array().unwrap().iter();
    entries.map(|entry| entry["kind"].as_str().unwrap()).collect()
}

//! Pure decisions about records.

use serde_json::Value;

use super::fields::{AssetStatus, Fields};
use super::model::FieldChange;

/// A value that no other record of the kind may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unique {
    /// The field's name.
    pub field: &'static str,
    /// The value in the spelling by which it is compared.
    pub value: String,
}

/// The values of a record that are unique within the organisation.
pub fn uniques(fields: &Fields) -> Vec<Unique> {
    let unique = |field, value: &str| Unique {
        field,
        value: value.to_lowercase(),
    };
    match fields {
        Fields::Asset(asset) => std::iter::once(unique("asset_tag", asset.asset_tag.as_str()))
            .chain(
                asset
                    .serial
                    .iter()
                    .map(|serial| unique("serial", serial.as_str())),
            )
            .collect(),
        Fields::Licence(_) => Vec::new(),
        Fields::Employee(employee) => employee
            .email
            .iter()
            .map(|email| unique("email", &email.canonical()))
            .collect(),
        Fields::Domain(domain) => vec![unique("domain_name", domain.domain_name.as_str())],
    }
}

/// The status that lists can be filtered by.
pub fn status(fields: &Fields) -> Option<AssetStatus> {
    match fields {
        Fields::Asset(asset) => Some(asset.status),
        Fields::Licence(_) | Fields::Employee(_) | Fields::Domain(_) => None,
    }
}

/// What changed between two versions of a record's fields; `Value::Null` stands for no record.
pub fn changes(before: &Value, after: &Value) -> Vec<FieldChange> {
    let empty = serde_json::Map::new();
    let before = before.as_object().unwrap_or(&empty);
    let after = after.as_object().unwrap_or(&empty);
    let mut names: Vec<_> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| FieldChange {
            field: name.clone(),
            from: before.get(name).cloned(),
            to: after.get(name).cloned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::model::Kind;
    use super::*;

    #[test]
    fn an_asset_is_unique_by_tag_and_serial_in_any_case() {
        let fields = Fields::parse(Kind::Asset, json!({"asset_tag": "LT-1", "serial": "Xy"}), "").unwrap();
        let values: Vec<_> = uniques(&fields).into_iter().map(|unique| unique.value).collect();
        assert_eq!(values, ["lt-1", "xy"]);
    }

    #[test]
    fn only_fields_that_differ_are_changes() {
        let found = changes(&json!({"a": 1, "b": 2, "c": 3}), &json!({"a": 1, "b": 4, "d": 5}));
        let names: Vec<_> = found.iter().map(|change| change.field.as_str()).collect();
        assert_eq!(names, ["b", "c", "d"]);
    }

    #[test]
    fn a_wrong_field_is_named_with_its_pointer() {
        let error = Fields::parse(
            Kind::Asset,
            json!({"asset_tag": "", "purchase_date": "2026-02-30"}),
            "/fields",
        );
        let Err(crate::error::Error::Invalid(violations)) = error else {
            panic!("it is not valid")
        };
        let pointers: Vec<_> = violations
            .iter()
            .map(|violation| violation.pointer.as_str())
            .collect();
        assert_eq!(pointers.len(), 2, "{pointers:?}");
        assert!(pointers.contains(&"/fields/asset_tag") && pointers.contains(&"/fields/purchase_date"));
    }
}

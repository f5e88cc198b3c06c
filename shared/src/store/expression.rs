//! Conditions and updates. Attribute names come from our code; values only ever travel in placeholders (K-06).

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// A condition that an item must meet for a write to happen.
#[derive(Debug, Clone, Default)]
pub struct Condition {
    pub(super) text: String,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
}

impl Condition {
    fn compare(name: &'static str, operator: &str, tag: &str, value: AttributeValue) -> Self {
        Self {
            text: format!("#{name} {operator} :{name}_{tag}"),
            names: HashMap::from([(format!("#{name}"), name.to_owned())]),
            values: HashMap::from([(format!(":{name}_{tag}"), value)]),
        }
    }

    fn call(function: &str, name: &'static str) -> Self {
        Self {
            text: format!("{function}(#{name})"),
            names: HashMap::from([(format!("#{name}"), name.to_owned())]),
            values: HashMap::new(),
        }
    }

    /// No item has this key.
    pub fn absent() -> Self {
        Self::call("attribute_not_exists", "pk")
    }

    /// An item has this key.
    pub fn present() -> Self {
        Self::call("attribute_exists", "pk")
    }

    /// The attribute is not there.
    pub fn missing(name: &'static str) -> Self {
        Self::call("attribute_not_exists", name)
    }

    /// The item is at exactly this version.
    pub fn version(version: u64) -> Self {
        Self::number(super::item::VERSION, version)
    }

    /// The attribute is this text.
    pub fn text(name: &'static str, value: impl Into<String>) -> Self {
        Self::compare(name, "=", "eq", AttributeValue::S(value.into()))
    }

    /// The attribute is this text; for several texts of one attribute, joined by [`or`](Self::or).
    pub fn one_of(name: &'static str, value: &'static str) -> Self {
        Self::compare(name, "=", value, AttributeValue::S(value.to_owned()))
    }

    /// The attribute is this number.
    pub fn number(name: &'static str, value: u64) -> Self {
        Self::compare(name, "=", "eq", AttributeValue::N(value.to_string()))
    }

    /// The attribute is at least this number.
    pub fn at_least(name: &'static str, value: u64) -> Self {
        Self::compare(name, ">=", "min", AttributeValue::N(value.to_string()))
    }

    /// The attribute is less than this number.
    pub fn less_than(name: &'static str, value: i64) -> Self {
        Self::compare(name, "<", "lt", AttributeValue::N(value.to_string()))
    }

    fn join(mut self, word: &str, other: Self) -> Self {
        self.text = format!("({} {word} {})", self.text, other.text);
        self.names.extend(other.names);
        self.values.extend(other.values);
        self
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.join("AND", other)
    }

    /// Either holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.join("OR", other)
    }
}

/// A change of single attributes.
#[derive(Debug, Clone, Default)]
pub struct Update {
    set: Vec<String>,
    remove: Vec<String>,
    add: Vec<String>,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
}

impl Update {
    /// A change that changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn name(&mut self, name: &'static str) -> String {
        let placeholder = format!("#{name}");
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, name: &'static str, value: AttributeValue) -> String {
        let placeholder = format!(":{name}_new");
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    fn set(mut self, name: &'static str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value(name, value));
        self.set.push(format!("{name} = {value}"));
        self
    }

    /// Sets the attribute to a text.
    #[must_use]
    pub fn set_text(self, name: &'static str, value: impl Into<String>) -> Self {
        self.set(name, AttributeValue::S(value.into()))
    }

    /// Sets the attribute to a number.
    #[must_use]
    pub fn set_number(self, name: &'static str, value: i64) -> Self {
        self.set(name, AttributeValue::N(value.to_string()))
    }

    /// Sets the attribute to true.
    #[must_use]
    pub fn set_true(self, name: &'static str) -> Self {
        self.set(name, AttributeValue::Bool(true))
    }

    /// Removes the attribute.
    #[must_use]
    pub fn remove(mut self, name: &'static str) -> Self {
        let name = self.name(name);
        self.remove.push(name);
        self
    }

    /// Adds to a number that counts as 0 while it is not there.
    #[must_use]
    pub fn add(mut self, name: &'static str, by: i64) -> Self {
        let (name, value) = (
            self.name(name),
            self.value(name, AttributeValue::N(by.to_string())),
        );
        self.add.push(format!("{name} {value}"));
        self
    }

    pub(super) fn text(&self) -> String {
        [("SET", &self.set), ("REMOVE", &self.remove), ("ADD", &self.add)]
            .into_iter()
            .filter(|(_, clauses)| !clauses.is_empty())
            .map(|(word, clauses)| format!("{word} {}", clauses.join(", ")))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

//! Items: what lies in the clear, and the sealed payload.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::entropy::Entropy;
use crate::error::{Error, Result};
use crate::keys::{Key, Table};
use crate::seal::{DataKey, Place};
use crate::stored::Stored;

/// The attributes of an item as DynamoDB knows them.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// The version of an item; grows by one with every change.
pub(crate) const VERSION: &str = "v";
pub(crate) const TYPE: &str = "t";
const SEALED: &str = "s";

/// A stored thing of type `T`.
#[derive(Debug, Clone)]
pub struct Item<T: Stored> {
    /// Where it lies.
    pub key: Key,
    /// Grows by one with every change; 1 when it is created.
    pub version: u64,
    /// What lies in the clear: ids, states, instants, keyed hashes.
    pub facts: T::Facts,
    /// What is sealed.
    pub payload: T::Payload,
}

impl<T: Stored<Payload = T>> Item<T> {
    /// The first version of a sealed item.
    pub fn sealed(key: Key, facts: T::Facts, payload: T) -> Self {
        Self {
            key,
            version: 1,
            facts,
            payload,
        }
    }
}

impl<T: Stored<Facts = T, Payload = ()>> Item<T> {
    /// The first version of an item without a sealed part.
    pub fn plain(key: Key, facts: T) -> Self {
        Self {
            key,
            version: 1,
            facts,
            payload: (),
        }
    }

    /// The next version of this item.
    #[must_use]
    pub fn next(&self, facts: T) -> Self {
        Self {
            key: self.key.clone(),
            version: self.version + 1,
            facts,
            payload: (),
        }
    }
}

impl<T: Stored> Item<T> {
    fn clear_attributes(&self) -> Result<Attributes> {
        let mut attributes: Attributes = serde_dynamo::to_item(&self.facts)
            .map_err(|error| Error::internal(format!("{} does not encode: {error}", T::INFO.name)))?;
        attributes.insert("pk".into(), AttributeValue::S(self.key.pk.clone()));
        attributes.insert("sk".into(), AttributeValue::S(self.key.sk.clone()));
        attributes.insert(TYPE.into(), AttributeValue::S(T::INFO.name.into()));
        attributes.insert(VERSION.into(), AttributeValue::N(self.version.to_string()));
        Ok(attributes)
    }

    pub(crate) fn seal(&self, data_key: &DataKey, entropy: &dyn Entropy) -> Result<Attributes> {
        let plaintext = serde_json::to_vec(&self.payload)
            .map_err(|error| Error::internal(format!("{} does not encode: {error}", T::INFO.name)))?;
        let place = Place {
            key: &self.key,
            type_name: T::INFO.name,
            version: self.version,
        };
        let blob = data_key.seal(place, &plaintext, entropy);
        let mut attributes = self.clear_attributes()?;
        attributes.insert(SEALED.into(), AttributeValue::B(Blob::new(blob)));
        Ok(attributes)
    }
}

impl<T: Stored<Payload = ()>> Item<T> {
    pub(crate) fn encode(&self) -> Result<Attributes> {
        self.clear_attributes()
    }
}

/// An item as it came from the table, not yet read as any type.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    /// Where it lies.
    pub key: Key,
    attributes: Attributes,
}

impl Raw {
    pub(crate) fn new(table: Table, attributes: Attributes) -> Result<Self> {
        let text = |name: &str| match attributes.get(name) {
            Some(AttributeValue::S(text)) => Ok(text.as_str()),
            _ => Err(Error::internal(format!(
                "an item of {} has no {name}",
                table.as_str()
            ))),
        };
        let key = Key::of_item(table, text("pk")?, text("sk")?);
        Ok(Self { key, attributes })
    }

    /// The value of a text attribute.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(AttributeValue::S(text)) => Some(text),
            _ => None,
        }
    }

    fn clear<T: Stored>(&self) -> Result<(u64, T::Facts)> {
        let wrong = |what: &str| Error::internal(format!("a stored {} has {what}", T::INFO.name));
        if self.text(TYPE) != Some(T::INFO.name) {
            return Err(wrong("another type"));
        }
        let version = match self.attributes.get(VERSION) {
            Some(AttributeValue::N(number)) => number.parse().map_err(|_| wrong("a version out of range"))?,
            _ => return Err(wrong("no version")),
        };
        let facts = serde_dynamo::from_item(self.attributes.clone())
            .map_err(|error| wrong(&format!("unreadable facts: {error}")))?;
        Ok((version, facts))
    }

    /// Reads an item that has no sealed part.
    ///
    /// # Errors
    /// When it is not a `T`.
    pub fn decode<T: Stored<Payload = ()>>(&self) -> Result<Item<T>> {
        let (version, facts) = self.clear::<T>()?;
        Ok(Item {
            key: self.key.clone(),
            version,
            facts,
            payload: (),
        })
    }

    /// Reads only the clear part of an item.
    ///
    /// # Errors
    /// When it is not a `T`.
    pub fn facts<T: Stored>(&self) -> Result<T::Facts> {
        Ok(self.clear::<T>()?.1)
    }

    /// Opens a sealed item.
    ///
    /// # Errors
    /// When it is not a `T`, or was sealed under another key or for another place.
    pub fn open<T: Stored>(&self, data_key: &DataKey) -> Result<Item<T>> {
        let (version, facts) = self.clear::<T>()?;
        let Some(AttributeValue::B(blob)) = self.attributes.get(SEALED) else {
            return Err(Error::internal(format!(
                "a stored {} is not sealed",
                T::INFO.name
            )));
        };
        let plaintext = data_key.open(
            Place {
                key: &self.key,
                type_name: T::INFO.name,
                version,
            },
            blob.as_ref(),
        )?;
        let payload = serde_json::from_slice(&plaintext).map_err(|error| {
            Error::internal(format!("a stored {} does not decode: {error}", T::INFO.name))
        })?;
        Ok(Item {
            key: self.key.clone(),
            version,
            facts,
            payload,
        })
    }
}

//! Request bodies: strict JSON, and every violation of a typed body at once.

use std::fmt;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde_json::{Map, Value};

use crate::error::{Error, Result, Violation};

/// The most violations that one answer lists.
const MAX_VIOLATIONS: usize = 50;

struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(Self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom("the same name stands twice in an object"));
            }
            let value = entries.next_value_seed(Self)?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

/// Reads a body as a JSON object. A name that stands twice is refused: two readers could take different values (I-04).
///
/// # Errors
/// [`Error::Unreadable`] with the line and column; [`Error::Invalid`] when it holds a payment card number.
pub fn object(body: &[u8]) -> Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Strict
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(value @ Value::Object(_)) => match crate::cards::in_json(&value) {
            found if found.is_empty() => Ok(value),
            found => Err(Error::Invalid(found)),
        },
        Ok(_) => Err(Error::Unreadable(Violation::new(
            "",
            "The body is JSON but not an object: send { … }.",
        ))),
        Err(error) => {
            let place = format!("line {}, column {}", error.line(), error.column());
            let what = match error.classify() {
                serde_json::error::Category::Eof => "it ends too early".to_owned(),
                serde_json::error::Category::Data => error.to_string(),
                serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
                    "it is not well-formed".to_owned()
                }
            };
            Err(Error::Unreadable(Violation::new(
                "",
                format!("The body is not valid JSON at {place}: {what}."),
            )))
        }
    }
}

/// JSON as it is: a struct or a map is read from an object only. Derived code would also take an array of the members
/// in their order, and `serde_json::Map` takes null.
struct Exact<'a>(&'a Value);

impl<'de> IntoDeserializer<'de, serde_json::Error> for Exact<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Exact<'de> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(values) => visitor.visit_seq(SeqDeserializer::new(values.iter().map(Exact))),
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| (name.as_str(), Exact(value)));
                visitor.visit_map(MapDeserializer::new(members))
            }
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Array(_) => Err(Self::Error::invalid_type(Unexpected::Seq, &"an object")),
            Value::Null => Err(Self::Error::invalid_type(Unexpected::Unit, &"an object")),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    /// The name of a variant. Derived code would also take its number.
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        match self.0 {
            Value::String(name) => visitor.visit_borrowed_str(name),
            _ => Err(Self::Error::custom("it must be a name")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct ignored_any
    }
}

/// What is tried in the place of a wrong value, only to see what else is wrong: a missing field hides those behind it.
fn guess(attempt: usize) -> Option<Value> {
    use serde_json::json;
    Some(match attempt {
        0 => json!("x"),
        1 => json!(1),
        2 => json!("ada@example.com"),
        3 => json!(true),
        4 => json!([]),
        5 => json!({}),
        _ => return None,
    })
}

/// Reads a JSON value as a `T` and reports everything that is wrong, not only the first thing.
///
/// # Errors
/// [`Error::Invalid`] with a pointer for each violation; `base` is put before each.
pub fn typed<T: DeserializeOwned>(value: Value, base: &str) -> Result<T> {
    let mut violations: Vec<Violation> = Vec::new();
    // What was taken away as wrong, and how many guesses were put in its place.
    let mut removed: Vec<(String, usize)> = Vec::new();
    let mut rest = value;
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(Exact(&rest)) {
            Ok(typed) if violations.is_empty() => return Ok(typed),
            Ok(_) => return Err(Error::Invalid(violations)),
            Err(error) => error,
        };
        let path = pointer(error.path());
        let (path, detail) = describe(&path, &error.inner().to_string());
        let of = removed
            .iter_mut()
            .find(|(pointer, _)| path.strip_prefix(pointer.as_str()).is_some_and(is_end_of_pointer));
        if let Some((pointer, attempts)) = of {
            // It is missing because it was wrong, or the guess is wrong: the same violation, not another one.
            let is_put = guess(*attempts).is_some_and(|guess| put(&mut rest, pointer, guess));
            if !is_put {
                return Err(Error::Invalid(violations));
            }
            *attempts += 1;
            continue;
        }
        violations.push(Violation::new(format!("{base}{path}"), detail));
        match remove(&mut rest, &path) {
            Some(pointer) if violations.len() < MAX_VIOLATIONS => removed.push((pointer, 0)),
            _ => return Err(Error::Invalid(violations)),
        }
    }
}

/// Whether `rest` ends a pointer or goes on behind one of its parts.
fn is_end_of_pointer(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// The error's place and text for the caller.
fn describe(path: &str, error: &str) -> (String, String) {
    if let Some(name) = quoted(error, "missing field `") {
        return (format!("{path}/{}", escape(name)), format!("{name} is required."));
    }
    if let Some(name) = quoted(error, "unknown field `") {
        let known = error.split_once("expected ").map_or(String::new(), |(_, known)| {
            format!(
                " Known here: {}.",
                known.trim_start_matches("one of ").replace('`', "")
            )
        });
        let path = if path.ends_with(&format!("/{}", escape(name))) {
            path.to_owned()
        } else {
            format!("{path}/{}", escape(name))
        };
        return (
            path,
            format!("{} is not a known field.{known}", crate::text::shown(name)),
        );
    }
    let mut text = error.replace('`', "");
    if let Some(first) = text.get(..1) {
        text.replace_range(..1, &first.to_uppercase());
    }
    if !text.ends_with('.') {
        text.push('.');
    }
    (path.to_owned(), text)
}

fn quoted<'a>(error: &'a str, start: &str) -> Option<&'a str> {
    error.strip_prefix(start)?.split_once('`').map(|(name, _)| name)
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", escape(key))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// Takes a value away, if it is there, and gives the pointer to what went. There is no telling what would be right in
/// the place of an array's element, and without it later indexes would shift: the whole array goes.
fn remove(value: &mut Value, pointer: &str) -> Option<String> {
    let (parent, name) = pointer.rsplit_once('/')?;
    match value.pointer_mut(parent)? {
        Value::Object(map) => {
            map.remove(&unescape(name));
            Some(pointer.to_owned())
        }
        Value::Array(_) => remove(value, parent),
        _ => None,
    }
}

/// Puts a member into an object.
fn put(value: &mut Value, pointer: &str, member: Value) -> bool {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return false;
    };
    match value.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.insert(unescape(name), member);
            true
        }
        _ => false,
    }
}

fn unescape(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

/// Applies a JSON Merge Patch (RFC 7396).
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Thing {
        name: String,
        count: u8,
        tags: Option<Vec<u8>>,
    }

    #[test]
    fn every_violation_is_reported_with_its_pointer() {
        let value = json!({"count": 300, "tags": [1, "x"], "colour": "red"});
        let Err(Error::Invalid(violations)) = typed::<Thing>(value, "/fields") else {
            panic!("it is not valid")
        };
        let pointers: Vec<_> = violations
            .iter()
            .map(|violation| violation.pointer.as_str())
            .collect();
        for pointer in [
            "/fields/count",
            "/fields/tags/1",
            "/fields/colour",
            "/fields/name",
        ] {
            assert!(pointers.contains(&pointer), "{pointers:?}");
        }
    }

    #[test]
    fn what_is_missing_behind_a_wrong_value_is_reported_too() {
        let Err(Error::Invalid(violations)) = typed::<Thing>(json!({"name": 7, "tags": "x"}), "") else {
            panic!("it is not valid")
        };
        let pointers: Vec<_> = violations
            .iter()
            .map(|violation| violation.pointer.as_str())
            .collect();
        assert_eq!(pointers, ["/name", "/tags", "/count"]);
    }

    #[test]
    fn what_is_no_object_is_not_read_as_one() {
        let error = typed::<Thing>(json!(["name", 1, null]), "/thing").unwrap_err();
        assert!(
            matches!(&error, Error::Invalid(violations) if violations[0].pointer == "/thing"),
            "{error:?}"
        );
    }

    #[test]
    fn a_name_that_stands_twice_is_refused() {
        let error = object(br#"{"a":1,"a":2}"#).unwrap_err();
        assert!(matches!(error, Error::Unreadable(_)), "{error:?}");
    }

    #[test]
    fn anything_but_one_object_is_unreadable() {
        let deep = "[".repeat(10_000);
        for body in [
            "",
            "null",
            "[]",
            "{",
            "{}x",
            "\u{feff}{}",
            "{\"a\":1e400}",
            deep.as_str(),
        ] {
            assert!(
                matches!(object(body.as_bytes()), Err(Error::Unreadable(_))),
                "{body:.20}"
            );
        }
    }

    #[test]
    fn the_merge_patch_examples_of_rfc_7396_hold() {
        for (mut target, patch, expected) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (
                json!({"a":{"b":"c"}}),
                json!({"a":{"b":"d","c":null}}),
                json!({"a":{"b":"d"}}),
            ),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (
                json!({}),
                json!({"a":{"bb":{"ccc":null}}}),
                json!({"a":{"bb":{}}}),
            ),
        ] {
            merge(&mut target, &patch);
            assert_eq!(target, expected);
        }
    }
}

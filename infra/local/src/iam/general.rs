//! Calls without what differs from one customer or run to the next: of millions, few remain.
//!
//! Ids, digests, numbers and the kinds of records are variable, and one placeholder of its sort stands for each of
//! them. Words are not: the types of items, the types of ids, buckets and tables. They are what a policy can tell apart.
//!
//! A retention class is a word in the table of keys: which keys a function may read or destroy is what protects the
//! data. In the table of units it is variable: the operator's manifest says what becomes of which class, and units hold
//! no data.

use std::collections::BTreeMap;

use shared::records::model::Kind;

use super::AwsCall;

/// The table of units, as the ARNs of this stack end.
const CONTROL_TABLE: &str = "/trackwell-control";

/// How many characters an id has behind its type.
const ID_LENGTH: usize = 26;

/// Hexadecimal text of this length or more is a digest.
const DIGEST_LENGTH: usize = 16;

/// The ARNs of resources whose names are random, with the names that they have in every stack.
#[derive(Debug, Clone, Default)]
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// From pairs of the name in this stack and the name in every stack.
    pub fn new(names: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(names.into_iter().collect())
    }

    /// The call with placeholders.
    pub(super) fn general(&self, call: &AwsCall) -> AwsCall {
        let is_of_units = call.resource.ends_with(CONTROL_TABLE);
        let key = |key: &String| match words(key) {
            general if is_of_units => without_class(&general),
            general => general,
        };
        let mut leading_keys: Vec<_> = call.leading_keys.iter().map(key).collect();
        leading_keys.sort();
        leading_keys.dedup();
        let resource = self
            .0
            .get(&call.resource)
            .cloned()
            .unwrap_or_else(|| text(&call.resource));
        let context = call.encryption_context.iter();
        // Who gets a mail is a customer, always another one.
        let recipients = call.recipients.first().map(|_| "customer@example.com".to_owned());
        AwsCall {
            action: call.action.clone(),
            resource,
            leading_keys,
            encryption_context: context.map(|(name, value)| (name.clone(), text(value))).collect(),
            from_address: call.from_address.clone(),
            recipients: recipients.into_iter().collect(),
            prefix: call.prefix.as_deref().map(words),
        }
    }

    /// The name in this stack of what has `name` in every stack.
    pub(super) fn local(&self, name: &str) -> String {
        let local = self.0.iter().find(|(_, general)| *general == name);
        local.map_or(name, |(local, _)| local).to_owned()
    }
}

/// A text in which only the last part is variable when it is an ARN: an account is a number, too.
fn text(text: &str) -> String {
    match text.match_indices(':').nth(4) {
        Some((colon, _)) if text.starts_with("arn:") => {
            let (head, last) = text.split_at(colon + 1);
            format!("{head}{}", words(last))
        }
        _ => words(text),
    }
}

/// A key of the table of units with a placeholder for the retention class in it.
fn without_class(key: &str) -> String {
    let due = key.strip_prefix("DUE#").and_then(|rest| rest.split_once('#'));
    let unit = key.strip_prefix("UNIT#").and_then(|rest| rest.split_once('.'));
    match (due, unit) {
        (Some((_, shard)), _) => format!("DUE#class#{shard}"),
        (None, Some((organisation, _))) => format!("UNIT#{organisation}.class"),
        (None, None) => key.to_owned(),
    }
}

/// The text with a placeholder for each word that is variable.
fn words(text: &str) -> String {
    let mut general = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        general.push_str(&placeholder(word));
        let mut others = after.chars();
        general.extend(others.next());
        rest = others.as_str();
    }
    general
}

fn placeholder(word: &str) -> String {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_id = |text: &str| {
        let letter =
            |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() && !b"ilou".contains(&byte);
        text.len() == ID_LENGTH && text.bytes().all(letter)
    };
    let is_digest = word.len() >= DIGEST_LENGTH && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    match word.rsplit_once('_') {
        Some((kind, id)) if is_id(id) => format!("{kind}_{}", "0".repeat(ID_LENGTH)),
        _ if digits(word) || is_digest => "0".to_owned(),
        // The directories of the ledger's tiles are numbers behind an x.
        _ if word.strip_prefix('x').is_some_and(digits) => "x0".to_owned(),
        _ if Kind::ALL.iter().any(|kind| kind.to_string() == word) => "kind".to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_words_in_the_table_of_keys_and_variable_in_the_table_of_units() {
        let keys = ["UNIT#org_1.billing", "DUE#account#3", "UNIT#user_1", "LEDGER"];
        let general = |table: &str| {
            let mut call = AwsCall::new(
                "dynamodb:PutItem",
                format!("arn:aws:dynamodb:a:0:table/trackwell-{table}"),
            );
            call.leading_keys = keys.map(str::to_owned).into();
            Names::default().general(&call).leading_keys
        };
        assert_eq!(
            general("keys"),
            ["DUE#account#0", "LEDGER", "UNIT#org_1.billing", "UNIT#user_1"]
        );
        assert_eq!(
            general("control"),
            ["DUE#class#0", "LEDGER", "UNIT#org_1.class", "UNIT#user_1"]
        );
    }

    #[test]
    fn ids_digests_numbers_and_kinds_get_placeholders_and_words_stay() {
        let id = "01m81a2b3c4d5e6f7g8h9jkmnp";
        let zeros = "0".repeat(ID_LENGTH);
        let cases = [
            (
                format!("UNIT#org_{id}.content"),
                format!("UNIT#org_{zeros}.content"),
            ),
            (format!("UNIT#user_{id}"), format!("UNIT#user_{zeros}")),
            (
                format!("RECORD#org_{id}#asset"),
                format!("RECORD#org_{zeros}#kind"),
            ),
            (format!("EMAIL#{}", "0a".repeat(16)), "EMAIL#0".to_owned()),
            ("DUE#account#3".to_owned(), "DUE#account#0".to_owned()),
            ("LEDGERPENDING".to_owned(), "LEDGERPENDING".to_owned()),
            (format!("LEDGERLEAF#{:020}", 7), "LEDGERLEAF#0".to_owned()),
            (
                format!("arn:aws:s3:::trackwell-files/org/org_{id}/content/attachment_{id}"),
                format!("arn:aws:s3:::trackwell-files/org/org_{zeros}/content/attachment_{zeros}"),
            ),
            (
                "arn:aws:s3:::trackwell-ledger/tile/0/x001/067.p/12".to_owned(),
                "arn:aws:s3:::trackwell-ledger/tile/0/x0/0.p/0".to_owned(),
            ),
            (
                "arn:aws:dynamodb:eu-west-2:000000000000:table/trackwell-core/index/by_update".to_owned(),
                "arn:aws:dynamodb:eu-west-2:000000000000:table/trackwell-core/index/by_update".to_owned(),
            ),
        ];
        for (given, expected) in cases {
            assert_eq!(text(&given), expected);
        }
    }
}

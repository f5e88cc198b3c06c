//! Queries: always one partition, always paged.

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::{Attributes, Raw};
use super::{Condition, Store};
use crate::error::Result;
use crate::keys::Partition;

/// Which order a partition is read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// The table's own key; strongly consistent.
    Table,
    /// Records by time of change; keys only, eventually consistent.
    ByUpdate,
}

impl Index {
    /// The index's name in the table's definition.
    pub const BY_UPDATE: &'static str = "by_update";

    const fn attributes(self) -> (&'static str, &'static str) {
        match self {
            Self::Table => ("pk", "sk"),
            Self::ByUpdate => ("g1pk", "g1sk"),
        }
    }
}

/// One page of one partition.
#[derive(Debug, Clone)]
pub struct Query {
    partition: Partition,
    index: Index,
    backwards: bool,
    limit: i32,
    after: Option<After>,
    since: Option<String>,
    until: Option<String>,
    filter: Option<Condition>,
}

/// Where the last page ended: the sort key in the order of the query, and the item's own sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// The sort key in the index that is queried.
    pub position: String,
    /// The item's sort key in the table.
    pub item: String,
}

/// The items of a page, and where the next one begins.
#[derive(Debug)]
pub struct Page {
    /// The items, in order.
    pub items: Vec<Raw>,
    /// Absent when there is nothing more. A page may be empty and yet not be the last.
    pub next: Option<After>,
}

impl Query {
    /// The first page of a partition.
    pub fn new(partition: Partition, limit: u32) -> Self {
        Self {
            partition,
            index: Index::Table,
            backwards: false,
            limit: i32::try_from(limit).unwrap_or(i32::MAX),
            after: None,
            since: None,
            until: None,
            filter: None,
        }
    }

    /// Reads another order than the table's.
    #[must_use]
    pub fn index(mut self, index: Index) -> Self {
        self.index = index;
        self
    }

    /// Reads from the end.
    #[must_use]
    pub fn backwards(mut self, backwards: bool) -> Self {
        self.backwards = backwards;
        self
    }

    /// Begins behind the place where another page ended.
    #[must_use]
    pub fn after(mut self, after: Option<After>) -> Self {
        self.after = after;
        self
    }

    /// Only items whose sort key is at least this.
    #[must_use]
    pub fn since(mut self, sort: impl Into<String>) -> Self {
        self.since = Some(sort.into());
        self
    }

    /// Only items whose sort key is at most this.
    #[must_use]
    pub fn until(mut self, sort: impl Into<String>) -> Self {
        self.until = Some(sort.into());
        self
    }

    /// Only items that meet a condition. The store reads and drops the others.
    #[must_use]
    pub fn filter(mut self, filter: Option<Condition>) -> Self {
        self.filter = filter;
        self
    }

    /// What the sort key must be, with the values that stand in it. A range replaces the partition's prefix.
    fn range(&self) -> (&'static str, Vec<(&'static str, &str)>) {
        let prefix = self.partition.prefix.as_str();
        match (self.since.as_deref(), self.until.as_deref()) {
            (Some(since), Some(until)) => (
                "#sk BETWEEN :sk AND :sk_until",
                vec![(":sk", since), (":sk_until", until)],
            ),
            (Some(since), None) => ("#sk >= :sk", vec![(":sk", since)]),
            (None, Some(until)) => ("#sk <= :sk", vec![(":sk", until)]),
            (None, None) if prefix.is_empty() => ("", Vec::new()),
            (None, None) => ("begins_with(#sk, :sk)", vec![(":sk", prefix)]),
        }
    }
}

impl Store {
    /// Reads one page.
    ///
    /// # Errors
    /// When the table does not answer, or holds something that is not an item of ours.
    pub async fn query(&self, query: &Query) -> Result<Page> {
        let (pk, sk) = query.index.attributes();
        let mut request = self
            .client()
            .query()
            .table_name(self.name(query.partition.table))
            .expression_attribute_names("#pk", pk)
            .expression_attribute_values(":pk", AttributeValue::S(query.partition.pk.clone()))
            .scan_index_forward(!query.backwards)
            .limit(query.limit);
        let mut condition = "#pk = :pk".to_owned();
        let (clause, values) = query.range();
        if !clause.is_empty() {
            condition = format!("{condition} AND {clause}");
            request = request.expression_attribute_names("#sk", sk);
            for (name, value) in values {
                request = request.expression_attribute_values(name, AttributeValue::S(value.to_owned()));
            }
        }
        request = match query.index {
            Index::Table => request.consistent_read(true),
            Index::ByUpdate => request.index_name(Index::BY_UPDATE),
        };
        if let Some(filter) = &query.filter {
            request = request.filter_expression(&filter.text);
            for (name, value) in &filter.names {
                request = request.expression_attribute_names(name, value);
            }
            for (name, value) in &filter.values {
                request = request.expression_attribute_values(name, value.clone());
            }
        }
        if let Some(after) = &query.after {
            request = request.set_exclusive_start_key(Some(start_key(query, after)));
        }
        let output = request
            .key_condition_expression(condition)
            .send()
            .await
            .map_err(|error| super::client::failure("Query", &error))?;
        let next = output.last_evaluated_key().map(|key| after_of(key, query.index));
        let items = output
            .items
            .unwrap_or_default()
            .into_iter()
            .map(|attributes| Raw::new(query.partition.table, attributes))
            .collect::<Result<_>>()?;
        Ok(Page { items, next })
    }

    /// Reads a whole partition, page by page. Only for partitions whose size is bounded by design.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub async fn query_all(&self, partition: Partition) -> Result<Vec<Raw>> {
        let mut query = Query::new(partition, 200);
        let mut items = Vec::new();
        loop {
            let mut page = self.query(&query).await?;
            items.append(&mut page.items);
            if page.next.is_none() {
                return Ok(items);
            }
            query.after = page.next;
        }
    }
}

fn start_key(query: &Query, after: &After) -> Attributes {
    let partition = AttributeValue::S(query.partition.pk.clone());
    let mut key = Attributes::from([
        ("pk".to_owned(), partition.clone()),
        ("sk".to_owned(), AttributeValue::S(after.item.clone())),
    ]);
    if query.index == Index::ByUpdate {
        key.insert("g1pk".to_owned(), partition);
        key.insert("g1sk".to_owned(), AttributeValue::S(after.position.clone()));
    }
    key
}

fn after_of(key: &Attributes, index: Index) -> After {
    let text = |name: &str| match key.get(name) {
        Some(AttributeValue::S(text)) => text.clone(),
        _ => String::new(),
    };
    After {
        position: text(index.attributes().1),
        item: text("sk"),
    }
}

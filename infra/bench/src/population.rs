//! Many organisations at once: one is made as a customer makes it, over the API, and what is then stored of it is put
//! into the tables again and again under other ids. The copies have the keys, sizes, units and due rows that such
//! organisations have; only what is sealed in them opens nowhere, and erasing opens nothing.

use local::Stack;
use shared::ids::{OrgId, UserId};

use crate::Result;
use crate::api::text;
use crate::customer::Customer;

/// The tables.
const TABLES: [&str; 4] = ["core", "control", "keys", "ephemeral"];

/// Items that are put at once.
const AT_ONCE: usize = 2_000;

/// The end of an id and of a hash, in which copies differ.
const COUNTED: u128 = 0xffff_ffff;

/// What stands in the items of a pattern in place of what differs.
const ORGANISATION: &str = "@ORGANISATION@";
const USER: &str = "@USER@";
const DIGEST: &str = "@DIGEST@";
const SHARD: &str = "@SHARD@";

/// What is stored of one organisation.
pub(crate) struct Pattern {
    organisation: OrgId,
    user: UserId,
    digest: String,
    tables: Vec<(&'static str, Vec<String>)>,
}

impl Pattern {
    /// Everything that is stored of a customer's organisation and account.
    pub(crate) async fn of(stack: &Stack, customer: &Customer) -> Result<Self> {
        let read = |value: serde_json::Value| text(&value, "/id");
        let organisation = read(customer.client.get("/v1/organisation").await?)?;
        let user = read(customer.client.get("/v1/me").await?)?;
        let units = stack.items("control").await?;
        let digest = units
            .iter()
            .find(|item| item["unit"] == user.as_str() && item["email_digest"].is_string());
        let digest = text(digest.ok_or("the account has no unit")?, "/email_digest")?;
        let mut pattern = Self {
            organisation: organisation.parse().map_err(|_| "an id is not one")?,
            user: user.parse().map_err(|_| "an id is not one")?,
            tables: Vec::new(),
            digest,
        };
        for table in TABLES {
            let items = stack.export(table)?;
            let own = items.into_iter().filter_map(|item| pattern.marked(item));
            let own = own.collect();
            pattern.tables.push((table, own));
        }
        Ok(pattern)
    }

    /// The item with marks in place of what differs; nothing if it is another organisation's.
    fn marked(&self, item: String) -> Option<String> {
        let marked = item
            .replace(&self.organisation.to_string(), ORGANISATION)
            .replace(&self.user.to_string(), USER)
            .replace(&self.digest, DIGEST);
        if marked == item {
            return None;
        }
        // A due row lies in the shard of its unit's id.
        let Some(at) = marked.find("DUE#") else {
            return Some(marked);
        };
        let end = at + marked[at..].find('"')?;
        Some(format!("{}{SHARD}{}", &marked[..end - 1], &marked[end..]))
    }

    /// How many items of a table one organisation has.
    pub(crate) fn items(&self, table: &str) -> usize {
        let of_table = self.tables.iter().find(|(name, _)| *name == table);
        of_table.map_or(0, |(_, items)| items.len())
    }

    /// Stores it so many times more, each with ids of its own: those of the numbers from `first` on.
    pub(crate) fn copy(&self, stack: &Stack, first: usize, times: usize) -> Result<()> {
        for (table, items) in &self.tables {
            let mut batch = Vec::with_capacity(AT_ONCE + items.len());
            for number in first..first + times {
                batch.extend(self.filled(items, number as u128));
                if batch.len() >= AT_ONCE {
                    stack.import(table, &batch)?;
                    batch.clear();
                }
            }
            stack.import(table, &batch)?;
        }
        Ok(())
    }

    fn filled<'a>(&self, items: &'a [String], number: u128) -> impl Iterator<Item = String> + use<'a> {
        let organisation = OrgId::from_bits(self.organisation.bits() & !COUNTED | number).to_string();
        let user = UserId::from_bits(self.user.bits() & !COUNTED | number).to_string();
        let digest = format!("{}{number:08x}", &self.digest[..self.digest.len() - 8]);
        let shard = (number % u128::from(shared::keys::SHARDS)).to_string();
        items.iter().map(move |item| {
            item.replace(ORGANISATION, &organisation)
                .replace(USER, &user)
                .replace(DIGEST, &digest)
                .replace(SHARD, &shard)
        })
    }
}

//! Pages of lists.

use serde::{Deserialize, Deserializer};
use shared::error::Result;
use shared::keys::Tenant;
use shared::page::{self, DEFAULT_LIMIT, MAX_LIMIT};
use shared::seal::RootKey;
use shared::store::After;

use super::Request;
use crate::registry::MemberCall;

/// Reads and writes the cursors of one list.
pub struct Pager<'a> {
    root: &'a RootKey,
    tenant: Tenant,
    query: &'a str,
    request: &'a Request,
}

impl<'a> Pager<'a> {
    /// A pager for the list that `query` names: with all that decides what is in it.
    pub fn new(call: &'a MemberCall, query: &'a str) -> Self {
        let (root, tenant) = (&call.member.root, call.member.permit.tenant());
        Self::of(root, tenant, query, &call.request)
    }

    /// A pager for a list of an organisation that the caller is no member of.
    pub fn of(root: &'a RootKey, tenant: Tenant, query: &'a str, request: &'a Request) -> Self {
        Self {
            root,
            tenant,
            query,
            request,
        }
    }

    /// Where the page begins.
    ///
    /// # Errors
    /// When the cursor is not one of this list.
    pub fn after(&self) -> Result<Option<After>> {
        self.request
            .query("cursor")
            .map(|cursor| page::parse(self.root, self.tenant, self.query, cursor))
            .transpose()
    }

    /// The cursor of the next page.
    pub fn cursor(&self, after: &After) -> String {
        page::cursor(self.root, self.tenant, self.query, after)
    }

    /// The path of the next page.
    pub fn link(&self, cursor: &str) -> String {
        self.request.path_with("cursor", cursor)
    }
}

/// The `limit` of a request: 1 to 200, 50 if absent (K-09).
///
/// # Errors
/// Says what a limit is.
pub fn limit(request: &Request) -> Result<u32, String> {
    let Some(text) = request.query("limit") else {
        return Ok(DEFAULT_LIMIT);
    };
    match text.parse::<u32>() {
        Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        _ => Err(format!("limit must be a number from 1 to {MAX_LIMIT}.")),
    }
}

/// Reads a member of a merge patch that may be absent but not `null`.
///
/// # Errors
/// As the member's own type.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

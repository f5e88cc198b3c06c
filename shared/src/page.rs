//! Opaque cursors, bound by a MAC to the organisation and the query they belong to (K-08).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, Result};
use crate::keys::Tenant;
use crate::seal::RootKey;
use crate::store::After;

/// The default number of items of a page.
pub const DEFAULT_LIMIT: u32 = 50;

/// The largest number of items of a page.
pub const MAX_LIMIT: u32 = 200;

const TAG: usize = 16;

/// Writes a cursor for the place `after` of `query`.
pub fn cursor(root: &RootKey, tenant: Tenant, query: &str, after: &After) -> String {
    let body = format!("{}\n{}", after.position, after.item);
    let mut bytes = tag(root, tenant, query, body.as_bytes()).to_vec();
    bytes.extend_from_slice(body.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a cursor.
///
/// # Errors
/// When it was not written for this organisation and this very query.
pub fn parse(root: &RootKey, tenant: Tenant, query: &str, cursor: &str) -> Result<After> {
    let wrong = || {
        Error::invalid(
            "?cursor",
            "cursor is not one that this list gave; start again without it.",
        )
    };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    let (given, body) = bytes.split_at_checked(TAG).ok_or_else(wrong)?;
    let expected = tag(root, tenant, query, body);
    aws_lc_rs::constant_time::verify_slices_are_equal(given, &expected).map_err(|_| wrong())?;
    let body = std::str::from_utf8(body).map_err(|_| wrong())?;
    let (position, item) = body.split_once('\n').ok_or_else(wrong)?;
    Ok(After {
        position: position.to_owned(),
        item: item.to_owned(),
    })
}

fn tag(root: &RootKey, tenant: Tenant, query: &str, body: &[u8]) -> [u8; TAG] {
    let mut message = format!("{}\n{query}\n", tenant.org()).into_bytes();
    message.extend_from_slice(body);
    let mut tag = [0; TAG];
    tag.copy_from_slice(&root.mac("cursor", &message)[..TAG]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::OrgId;

    #[test]
    fn a_cursor_of_another_organisation_or_query_or_changed_is_refused() {
        let root = RootKey::new([1; 32]);
        let (ours, theirs) = (Tenant::new(OrgId::from_bits(1)), Tenant::new(OrgId::from_bits(2)));
        let after = After {
            position: "p".into(),
            item: "i".into(),
        };
        let cursor = cursor(&root, ours, "kind=asset", &after);
        assert_eq!(parse(&root, ours, "kind=asset", &cursor), Ok(after));
        assert!(parse(&root, theirs, "kind=asset", &cursor).is_err());
        assert!(parse(&root, ours, "kind=licence", &cursor).is_err());
        for wrong in ["", "x", "AAAA", &cursor[1..]] {
            assert!(parse(&root, ours, "kind=asset", wrong).is_err(), "{wrong}");
        }
    }
}

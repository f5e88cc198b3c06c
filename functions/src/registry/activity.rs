//! Activity logs.

use shared::activity::model::ActivityKind;

use super::*;
use crate::{activity, me};

/// As in RFC 3339.
const INSTANT: &str = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";

const KINDS: Parameter = Parameter {
    name: "kind",
    description: "Only entries of these kinds, separated by commas.",
    required: false,
    schema: || {
        let names = ActivityKind::ALL.iter().map(|kind| kind.as_str());
        json!({ "type": "string", "pattern": list_of(names) })
    },
};
const ACTOR: Parameter = Parameter {
    name: "actor",
    description: "Only what this user or service account did.",
    required: false,
    schema: || json!({ "type": "string", "pattern": "^(user|service)_[0-7][0-9a-hjkmnp-tv-z]{25}$" }),
};
const AT: Parameter = Parameter {
    name: "at",
    description: "Only from one instant to another: from..to, RFC 3339; either may be left out.",
    required: false,
    schema: || {
        let pattern = format!(r"^({INSTANT})?\.\.({INSTANT})?$");
        json!({ "type": "string", "pattern": pattern, "examples": ["2026-01-01T00:00:00Z..2026-02-01T00:00:00Z"] })
    },
};

routes! {
    ACTIVITY_LIST = Route {
        name: "activity-list", path: "/v1/organisation/activity",
        summary: "What happened in the organisation, newest first: who did what to what. Kept for 18 months.",
        access: member!(ReadActivity, needs_nothing, activity::list), query: &[KINDS, ACTOR, AT, LIMIT, CURSOR],
        success: &[(200, Some(shape::<activity::list::ListResponse>))], ..ROUTE
    };
    ACTIVITY_EXPORT = Route {
        name: "activity-export", method: "POST", path: "/v1/organisation/activity/exports",
        summary: "The organisation's activity log as a CSV file of up to 10,000 entries, newest first. It is logged itself.",
        access: member!(ExportActivity, needs_nothing, activity::export), query: &[KINDS, ACTOR, AT],
        media_type: "text/csv", success: &[(200, Some(any_text))], ..ROUTE
    };
    ME_ACTIVITY = Route {
        name: "me-activity", path: "/v1/me/activity",
        summary: "What happened in one's own account, newest first, and from where. Kept for 18 months.",
        access: member!(UseOwnAccount, needs_nothing, me::activity), query: &[LIMIT, CURSOR],
        success: &[(200, Some(shape::<me::activity::ActivityResponse>))], ..ROUTE
    };
}

//! Sessions: one's own, and those of members.

use super::*;
use crate::{members, sessions};

routes! {
    SESSIONS_LIST = Route {
        name: "sessions-list", path: "/v1/me/sessions",
        summary: "One's own sessions, newest first: from where each was begun and when it was last used.",
        access: member!(UseOwnAccount, needs_nothing, sessions::list),
        success: &[(200, Some(shape::<sessions::list::ListResponse>))], ..ROUTE
    };
    SESSIONS_DELETE = Route {
        name: "sessions-delete", method: "DELETE", path: "/v1/me/sessions/{session_id}",
        summary: "Ends one of one's own sessions. Its tokens are refused from the next request on.",
        access: member!(UseOwnAccount, sessions::needs, sessions::delete),
        success: &[(204, None)], problems: &[404], ..ROUTE
    };
    SESSIONS_DELETE_ALL = Route {
        name: "sessions-delete-all", method: "DELETE", path: "/v1/me/sessions",
        summary: "Ends all of one's own sessions but the one that asks.",
        access: member!(UseOwnAccount, needs_nothing, sessions::delete_all),
        success: &[(200, Some(shape::<sessions::SessionsEnded>))], ..ROUTE
    };
    MEMBERS_SESSIONS_DELETE = Route {
        name: "members-sessions-delete", method: "DELETE", path: "/v1/members/{user_id}/sessions",
        summary: "Ends the sessions that a member has for this organisation, and tells them. Only an owner ends an owner's.",
        access: member!(ManageMembers, members::sessions_delete::needs, members::sessions_delete),
        success: &[(200, Some(shape::<sessions::SessionsEnded>))], problems: &[404, 409], ..ROUTE
    };
}

//! The operator's staff, and the exceptional access that an organisation sees and decides on.

use super::*;
use crate::{access, staff};

const KIND: Parameter = Parameter {
    name: "kind",
    description: "Which records.",
    required: true,
    schema: || json!({ "type": "string", "enum": ["asset", "licence", "employee", "domain"] }),
};

/// Each record of a page is an entry of the organisation's log, so pages are smaller than elsewhere.
const SMALL_LIMIT: Parameter = Parameter {
    schema: || json!({ "type": "integer", "minimum": 1, "maximum": 50, "default": 50 }),
    ..LIMIT
};

routes! {
    STAFF_LOOKUP = Route {
        name: "staff-lookup", method: "POST", path: "/v1/staff/lookup",
        summary: "As staff: the organisations of the member with an address.",
        access: staff!(StaffReadOrganisations, staff_needs_nothing, staff::lookup), body: JSON,
        request: Some(shape::<staff::lookup::LookupRequest>),
        success: &[(200, Some(shape::<staff::lookup::LookupResponse>))], ..ROUTE
    };
    STAFF_ORGANISATIONS = Route {
        name: "staff-organisations", path: "/v1/staff/organisations/{organisation_id}",
        summary: "As staff: an organisation and its subscription; nothing of its records or members.",
        access: staff!(StaffReadOrganisations, staff::organisations::needs, staff::organisations),
        success: &[(200, Some(shape::<staff::organisations::StaffOrganisationResponse>))], problems: &[410], ..ROUTE
    };
    ACCESS_REQUEST = Route {
        name: "access-request", method: "POST", path: "/v1/staff/organisations/{organisation_id}/access",
        summary: "As staff: asks for access to records, for a reason and a time. The organisation's owners are told.",
        access: staff!(StaffRequestAccess, staff::organisations::needs, access::request), body: JSON,
        request: Some(shape::<access::request::AccessRequest>),
        success: &[(201, Some(shape::<access::AccessResponse>))], problems: &[409, 410], ..ROUTE
    };
    ACCESS_GET = Route {
        name: "access-get", path: "/v1/staff/organisations/{organisation_id}/access/{access_id}",
        summary: "As staff: who asks for access to what, why, and where it stands.",
        access: staff!(StaffReadOrganisations, access::staff_needs, access::get),
        success: &[(200, Some(shape::<access::AccessResponse>))], problems: &[410], ..ROUTE
    };
    ACCESS_APPROVE = Route {
        name: "access-approve", method: "POST",
        path: "/v1/staff/organisations/{organisation_id}/access/{access_id}/approve",
        summary: "As a lead of the staff: allows the access that somebody else asked for. The owners are told.",
        access: staff!(StaffApproveAccess, access::staff_needs, access::approve),
        success: &[(200, Some(shape::<access::AccessResponse>))], problems: &[409, 410], ..ROUTE
    };
    ACCESS_END = Route {
        name: "access-end", method: "POST",
        path: "/v1/staff/organisations/{organisation_id}/access/{access_id}/end",
        summary: "As staff: ends access before its time, one's own or, as a lead, anybody's. The owners are told.",
        access: staff!(StaffUseAccess, access::staff_needs, access::end),
        success: &[(200, Some(shape::<access::AccessResponse>))], problems: &[409, 410], ..ROUTE
    };
    ACCESS_RECORDS_LIST = Route {
        name: "access-records-list", path: "/v1/staff/organisations/{organisation_id}/access/{access_id}/records",
        summary: "As staff, under access that was allowed: lists records. Each is noted in the organisation's log first.",
        access: staff!(StaffUseAccess, access::records_list::needs, access::records_list),
        query: &[KIND, SMALL_LIMIT, CURSOR],
        success: &[(200, Some(shape::<crate::records::list::ListResponse>))], problems: &[410], ..ROUTE
    };
    ACCESS_RECORDS_GET = Route {
        name: "access-records-get",
        path: "/v1/staff/organisations/{organisation_id}/access/{access_id}/records/{record_id}",
        summary: "As staff, under access that was allowed: one record. It is noted in the organisation's log first.",
        access: staff!(StaffUseAccess, access::records_get::needs, access::records_get),
        success: &[(200, Some(shape::<crate::records::RecordResponse>))], problems: &[410], ..ROUTE
    };
    ACCESS_LIST = Route {
        name: "access-list", path: "/v1/organisation/access",
        summary: "Who of the operator's staff asked for access to the organisation's records, why, and what came of it.",
        access: member!(ReadAccess, needs_nothing, access::list), query: &[LIMIT, CURSOR],
        success: &[(200, Some(shape::<access::list::AccessListResponse>))], ..ROUTE
    };
    ACCESS_DECIDE = Route {
        name: "access-decide", method: "POST", path: "/v1/organisation/access/{access_id}/decision",
        summary: "Allows, refuses or ends access of the operator's staff.",
        access: member!(DecideAccess, access::needs, access::decide), body: JSON,
        request: Some(shape::<access::decide::DecisionRequest>),
        success: &[(200, Some(shape::<access::AccessResponse>))], problems: &[404, 409], ..ROUTE
    };
}

fn staff_needs_nothing(_: UserId, _: &Request) -> Result<Vec<Key>> {
    Ok(Vec::new())
}

//! Records, attachments, imports.

use shared::records::fields::AssetStatus;

use super::*;
use crate::{attachments, imports, records};

routes! {
    RECORDS_CREATE = Route {
        name: "records-create", method: "POST", path: "/v1/records",
        summary: "Creates a record of a kind.",
        access: member!(WriteRecords, needs_nothing, records::create), body: JSON,
        request: Some(shape::<records::create::CreateRequest>), idempotency_key: KeyUse::Optional,
        success: &[(201, Some(shape::<records::RecordResponse>))], problems: &[409], ..ROUTE
    };
    RECORDS_LIST = Route {
        name: "records-list", path: "/v1/records",
        summary: "Lists the records of a kind.",
        access: member!(ReadRecords, needs_nothing, records::list),
        query: &[
            Parameter {
                name: "kind", description: "Which records.", required: true,
                schema: || json!({ "type": "string", "enum": ["asset", "licence", "employee", "domain"] }),
            },
            Parameter {
                name: "status", description: "Only assets of these statuses, separated by commas.", required: false,
                schema: || {
                    let names = AssetStatus::ALL.iter().map(|status| status.as_str());
                    json!({ "type": "string", "pattern": list_of(names) })
                },
            },
            Parameter {
                name: "sort", description: "In which order; - is newest first.", required: false,
                schema: || {
                    let orders = ["created_at", "-created_at", "updated_at", "-updated_at"];
                    json!({ "type": "string", "enum": orders, "default": "created_at" })
                },
            },
            LIMIT,
            CURSOR,
        ],
        success: &[(200, Some(shape::<records::list::ListResponse>))], ..ROUTE
    };
    RECORDS_GET = Route {
        name: "records-get", path: "/v1/records/{record_id}",
        summary: "One record.",
        access: member!(ReadRecords, records::needs, records::get),
        success: &[(200, Some(shape::<records::RecordResponse>)), (304, None)], problems: &[404], ..ROUTE
    };
    RECORDS_UPDATE = Route {
        name: "records-update", method: "PATCH", path: "/v1/records/{record_id}",
        summary: "Changes a record's fields (JSON Merge Patch). Needs If-Match.",
        access: member!(WriteRecords, records::needs, records::update), body: PATCH,
        request: Some(shape::<records::update::UpdateRequest>),
        success: &[(200, Some(shape::<records::RecordResponse>))], problems: &[404, 409, 412, 428], ..ROUTE
    };
    RECORDS_DELETE = Route {
        name: "records-delete", method: "DELETE", path: "/v1/records/{record_id}",
        summary: "Deletes a record with its attachments and the values in its timeline. Needs If-Match.",
        access: member!(DeleteRecords, records::needs, records::delete),
        success: &[(204, None)], problems: &[404, 412, 428], ..ROUTE
    };
    RECORDS_TIMELINE = Route {
        name: "records-timeline", path: "/v1/records/{record_id}/events",
        summary: "What happened to a record, oldest first.",
        access: member!(ReadRecords, records::needs, records::timeline), query: &[LIMIT, CURSOR],
        success: &[(200, Some(shape::<records::timeline::TimelineResponse>))], problems: &[404], ..ROUTE
    };
    ATTACHMENTS_CREATE = Route {
        name: "attachments-create", method: "POST", path: "/v1/records/{record_id}/attachments",
        summary: "Attaches a link, or announces a file and gets the request that uploads it.",
        access: member!(WriteRecords, records::needs, attachments::create), body: JSON,
        request: Some(shape::<attachments::create::CreateRequest>), idempotency_key: KeyUse::Optional,
        success: &[(201, Some(shape::<attachments::AttachmentResponse>))], problems: &[404, 409], ..ROUTE
    };
    ATTACHMENTS_COMPLETE = Route {
        name: "attachments-complete", method: "POST",
        path: "/v1/records/{record_id}/attachments/{attachment_id}/complete",
        summary: "Completes an upload after looking at what arrived.",
        access: member!(WriteRecords, attachments::needs, attachments::complete),
        success: &[(200, Some(shape::<attachments::AttachmentResponse>))], problems: &[404, 409, 422], ..ROUTE
    };
    ATTACHMENTS_LIST = Route {
        name: "attachments-list", path: "/v1/records/{record_id}/attachments",
        summary: "The attachments of a record.",
        access: member!(ReadRecords, records::needs, attachments::list),
        success: &[(200, Some(shape::<attachments::list::ListResponse>))], problems: &[404], ..ROUTE
    };
    ATTACHMENTS_GET = Route {
        name: "attachments-get", path: "/v1/records/{record_id}/attachments/{attachment_id}",
        summary: "One attachment, with the request that downloads it.",
        access: member!(ReadRecords, attachments::needs, attachments::get),
        success: &[(200, Some(shape::<attachments::AttachmentResponse>))], problems: &[404], ..ROUTE
    };
    ATTACHMENTS_DELETE = Route {
        name: "attachments-delete", method: "DELETE", path: "/v1/records/{record_id}/attachments/{attachment_id}",
        summary: "Deletes an attachment with all versions of its bytes.",
        access: member!(DeleteRecords, attachments::needs, attachments::delete),
        success: &[(204, None)], problems: &[404], ..ROUTE
    };
    IMPORTS_CREATE = Route {
        name: "imports-create", method: "POST", path: "/v1/imports",
        summary: "Creates up to 5,000 records from a CSV file and answers for each line. Needs Idempotency-Key.",
        access: member!(WriteRecords, needs_nothing, imports::create), body: Body::Csv(3 * KB * KB),
        request: Some(csv_file), query: &[Parameter {
            name: "kind", description: "What the lines are.", required: true,
            schema: || json!({ "type": "string", "enum": ["asset"] }),
        }],
        idempotency_key: KeyUse::Required,
        success: &[(201, Some(shape::<imports::ImportResponse>))], problems: &[400, 409], ..ROUTE
    };
    IMPORTS_GET = Route {
        name: "imports-get", path: "/v1/imports/{import_id}",
        summary: "The answer of an import again.",
        access: member!(ReadRecords, imports::needs, imports::get),
        success: &[(200, Some(shape::<imports::ImportResponse>))], problems: &[404], ..ROUTE
    };
}

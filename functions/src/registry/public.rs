//! What anybody may see.

use super::*;
use crate::{erasures, policy};

routes! {
    JWKS_GET = Route {
        name: "jwks-get", path: "/.well-known/jwks.json",
        summary: "The keys that verify access tokens (RFC 7517).",
        access: public!(jwks::get), success: &[(200, Some(shape::<shared::accounts::token::PublicKeys>))], ..ROUTE
    };
    OPENAPI_GET = Route {
        name: "openapi-get", path: "/openapi.json",
        summary: "This API as an OpenAPI 3.1 document.",
        access: public!(openapi::get), success: &[(200, Some(any_object))], ..ROUTE
    };
    SECURITY_CONTACT = Route {
        name: "security-contact", path: "/.well-known/security.txt",
        summary: "Where to report a vulnerability (RFC 9116).",
        access: public!(security::contact), media_type: "text/plain", success: &[(200, Some(any_text))], ..ROUTE
    };
    SECURITY_GET = Route {
        name: "security-get", path: "/security",
        summary: "How data is protected, and how to report a vulnerability; a page.",
        access: public!(security::get), media_type: "text/html", success: &[(200, Some(any_text))], ..ROUTE
    };
    POLICY_GET = Route {
        name: "policy-get", path: "/v1/policy",
        summary: "The privacy policy that is executed: categories, purposes, periods, processors, cookies.",
        access: public!(policy::get), success: &[(200, Some(shape::<policy::get::PolicyResponse>))], ..ROUTE
    };
    ERASURES_GET = Route {
        name: "erasures-get", path: "/v1/erasures/{erasure_id}",
        summary: "Where an erasure stands, and its receipt. The id is all that is needed: the account may be gone.",
        access: public!(erasures::get),
        success: &[(200, Some(shape::<erasures::get::ErasureResponse>))], problems: &[404], ..ROUTE
    };
    LEDGER_GET = Route {
        name: "ledger-get", path: "/v1/ledger",
        summary: "The erasure ledger's newest checkpoint and the key that verifies it and every receipt.",
        access: public!(ledger::get), success: &[(200, Some(shape::<crate::ledger::get::LedgerResponse>))], ..ROUTE
    };
    FALLBACK_ANSWER = Route {
        name: "fallback-answer", method: "ANY", path: "/{proxy+}",
        summary: "Answers what no route takes: 404, or 405 with the methods that the path has.",
        access: public!(fallback::answer), body: Body::None, ..ROUTE
    };
}

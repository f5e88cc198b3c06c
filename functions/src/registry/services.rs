//! Service accounts and their API keys.

use super::*;
use crate::{keys, services};

routes! {
    SERVICES_LIST = Route {
        name: "services-list", path: "/v1/service-accounts",
        summary: "The organisation's service accounts, at most 50, oldest first.",
        access: member!(ReadApiKeys, needs_nothing, services::list),
        success: &[(200, Some(shape::<services::list::ListResponse>))], ..ROUTE
    };
    SERVICES_CREATE = Route {
        name: "services-create", method: "POST", path: "/v1/service-accounts",
        summary: "Creates a service account, which can do nothing until it gets a key.",
        access: member!(ManageApiKeys, services::create::needs, services::create), body: JSON,
        request: Some(shape::<services::create::CreateRequest>),
        success: &[(201, Some(shape::<services::ServiceResponse>))], problems: &[409], ..ROUTE
    };
    SERVICES_UPDATE = Route {
        name: "services-update", method: "PATCH", path: "/v1/service-accounts/{service_account_id}",
        summary: "Gives a service account another name. Needs If-Match.",
        access: member!(ManageApiKeys, services::needs, services::update), body: PATCH,
        request: Some(shape::<services::update::ServicePatch>),
        success: &[(200, Some(shape::<services::ServiceResponse>))], problems: &[404, 412, 428], ..ROUTE
    };
    SERVICES_DELETE = Route {
        name: "services-delete", method: "DELETE", path: "/v1/service-accounts/{service_account_id}",
        summary: "Deletes a service account with all of its keys, which are refused from the next request on.",
        access: member!(ManageApiKeys, services::needs, services::delete),
        success: &[(204, None)], problems: &[404], ..ROUTE
    };
    KEYS_LIST = Route {
        name: "keys-list", path: "/v1/service-accounts/{service_account_id}/keys",
        summary: "The API keys of a service account, at most 10, oldest first. None is shown again.",
        access: member!(ReadApiKeys, services::needs, keys::list),
        success: &[(200, Some(shape::<keys::list::ListResponse>))], problems: &[404], ..ROUTE
    };
    KEYS_CREATE = Route {
        name: "keys-create", method: "POST", path: "/v1/service-accounts/{service_account_id}/keys",
        summary: "Creates an API key and shows it, once: so there is no Idempotency-Key, and a key whose answer was lost \
            is revoked and created again.",
        access: member!(ManageApiKeys, keys::create::needs, keys::create), body: JSON,
        request: Some(shape::<keys::create::CreateRequest>),
        success: &[(201, Some(shape::<keys::create::CreatedKey>))], problems: &[404, 409], ..ROUTE
    };
    KEYS_DELETE = Route {
        name: "keys-delete", method: "DELETE", path: "/v1/service-accounts/{service_account_id}/keys/{key_id}",
        summary: "Revokes an API key. It is refused from the next request on.",
        access: member!(ManageApiKeys, keys::delete::needs, keys::delete),
        success: &[(204, None)], problems: &[404], ..ROUTE
    };
}

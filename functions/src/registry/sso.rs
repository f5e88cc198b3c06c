//! Single sign-on: connections to identity providers, and the domains that lead to them.

use super::*;
use crate::sso;

routes! {
    SSO_CONNECTIONS_LIST = Route {
        name: "sso-connections-list", path: "/v1/organisation/connections",
        summary: "The organisation's connections to identity providers, at most 10, the oldest first.",
        access: member!(ReadSecurity, needs_nothing, sso::connections_list),
        success: &[(200, Some(shape::<sso::connections_list::ListResponse>))], ..ROUTE
    };
    SSO_CONNECTIONS_CREATE = Route {
        name: "sso-connections-create", method: "POST", path: "/v1/organisation/connections",
        summary: "Connects an OpenID provider, which is asked once for what it publishes. The secret is never shown again.",
        access: member!(ManageSecurity, needs_nothing, sso::connections_create), body: JSON,
        request: Some(shape::<sso::connections_create::ConnectionRequest>),
        success: &[(201, Some(shape::<sso::ConnectionResponse>))], problems: &[409, 412], ..ROUTE
    };
    SSO_CONNECTIONS_UPDATE = Route {
        name: "sso-connections-update", method: "PATCH", path: "/v1/organisation/connections/{connection_id}",
        summary: "Turns a connection on or off, or gives it another client id or secret. Needs If-Match.",
        access: member!(ManageSecurity, sso::needs_connection, sso::connections_update), body: PATCH,
        request: Some(shape::<sso::connections_update::ConnectionPatch>),
        success: &[(200, Some(shape::<sso::ConnectionResponse>))], problems: &[404, 409, 412, 428], ..ROUTE
    };
    SSO_CONNECTIONS_DELETE = Route {
        name: "sso-connections-delete", method: "DELETE", path: "/v1/organisation/connections/{connection_id}",
        summary: "Deletes a connection. The identities that were linked through it sign nobody in any more.",
        access: member!(ManageSecurity, sso::needs_connection, sso::connections_delete),
        success: &[(204, None)], problems: &[404, 409, 412], ..ROUTE
    };
    SSO_DOMAINS_LIST = Route {
        name: "sso-domains-list", path: "/v1/organisation/domains",
        summary: "The organisation's domains, at most 20, proved or not, the oldest first.",
        access: member!(ReadSecurity, needs_nothing, sso::domains_list),
        success: &[(200, Some(shape::<sso::domains_list::ListResponse>))], ..ROUTE
    };
    SSO_DOMAINS_CREATE = Route {
        name: "sso-domains-create", method: "POST", path: "/v1/organisation/domains",
        summary: "Adds a domain. The answer says which TXT record proves that it is the organisation's.",
        access: member!(ManageSecurity, needs_nothing, sso::domains_create), body: JSON,
        request: Some(shape::<sso::domains_create::DomainRequest>),
        success: &[(201, Some(shape::<sso::DomainResponse>))], problems: &[409, 412], ..ROUTE
    };
    SSO_DOMAINS_VERIFY = Route {
        name: "sso-domains-verify", method: "POST", path: "/v1/organisation/domains/{domain_id}/verify",
        summary: "Looks for the domain's TXT record. Addresses of a proved domain lead to the organisation's provider.",
        access: member!(ManageSecurity, sso::needs_domain, sso::domains_verify), rate: Rate::Sensitive,
        success: &[(200, Some(shape::<sso::DomainResponse>))], problems: &[404, 409, 412], ..ROUTE
    };
    SSO_DOMAINS_DELETE = Route {
        name: "sso-domains-delete", method: "DELETE", path: "/v1/organisation/domains/{domain_id}",
        summary: "Removes a domain. Its addresses lead to no provider any more.",
        access: member!(ManageSecurity, sso::needs_domain, sso::domains_delete),
        success: &[(204, None)], problems: &[404, 412], ..ROUTE
    };
}

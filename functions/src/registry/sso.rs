//! Single sign-on: connections to identity providers, the domains that lead to them, the identities that sign in, and
//! the way there and back.

use super::*;
use crate::{auth, factors, identities, me, sso};

const fn answered(name: &'static str, description: &'static str) -> Parameter {
    Parameter {
        name,
        description,
        required: false,
        schema: || json!({ "type": "string" }),
    }
}

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
    AUTH_SSO_BEGIN = Route {
        name: "auth-sso-begin", method: "POST", path: "/v1/auth/sso",
        summary: "Begins a sign-in through an organisation's identity provider: where to send the browser, for ten minutes.",
        access: public!(auth::sso_begin), body: JSON, request: Some(shape::<auth::sso_begin::SsoRequest>),
        rate: Rate::Sensitive, success: &[(200, Some(shape::<sso::DepartureResponse>))], problems: &[404], ..ROUTE
    };
    AUTH_SSO_CALLBACK = Route {
        name: "auth-sso-callback", path: "/v1/auth/sso/callback",
        summary: "Where identity providers send browsers back to. It goes on to the page that was asked for.",
        access: public!(auth::sso_callback), query: &[
            answered("state", "What the way there began with."),
            answered("code", "What the provider gives an ID token for."),
            answered("iss", "The provider (RFC 9207)."),
            answered("error", "Why the provider signs nobody in."),
        ],
        other_parameters: true, rate: Rate::Sensitive, success: &[(303, None)], problems: &[401], ..ROUTE
    };
    ME_STEP_UP_SSO = Route {
        name: "me-step-up-sso", method: "POST", path: "/v1/me/step-up/sso",
        summary: "Begins a step-up through the organisation's identity provider, for what concerns the organisation.",
        access: member!(UseOwnAccount, needs_nothing, me::step_up_sso), body: JSON,
        request: Some(shape::<me::step_up_sso::StepUpSsoRequest>), rate: Rate::Sensitive,
        success: &[(200, Some(shape::<sso::DepartureResponse>))], problems: &[409], ..ROUTE
    };
    IDENTITIES_LIST = Route {
        name: "identities-list", path: "/v1/me/identities",
        summary: "The identities at providers that sign the own account in, and the connections to link others through.",
        access: member!(UseOwnAccount, needs_nothing, identities::list),
        success: &[(200, Some(shape::<identities::list::ListResponse>))], ..ROUTE
    };
    IDENTITIES_CREATE = Route {
        name: "identities-create", method: "POST", path: "/v1/me/identities",
        summary: "Begins to link an identity: where to send the browser. Once it is back, other sessions have ended.",
        access: member!(SecureOwnAccount, me::needs, identities::create), body: JSON,
        request: Some(shape::<identities::create::LinkRequest>), rate: Rate::Sensitive,
        success: &[(200, Some(shape::<sso::DepartureResponse>))], problems: &[404, 409], ..ROUTE
    };
    IDENTITIES_DELETE = Route {
        name: "identities-delete", method: "DELETE", path: "/v1/me/identities/{identity_id}",
        summary: "Removes an identity: it signs nobody in any more. Other sessions end.",
        access: member!(SecureOwnAccount, factors::removal_needs, identities::delete),
        success: &[(204, None)], problems: &[404, 409], ..ROUTE
    };
}

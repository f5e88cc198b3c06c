//! The organisation and to whom its invoices go.

use super::*;
use crate::{billing, erasures, organisation};

routes! {
    ORGANISATION_GET = Route {
        name: "organisation-get", path: "/v1/organisation",
        summary: "The own organisation and its subscription.",
        access: member!(ReadOrganisation, needs_nothing, organisation::get),
        success: &[(200, Some(shape::<organisation::OrganisationResponse>)), (304, None)], ..ROUTE
    };
    ORGANISATION_UPDATE = Route {
        name: "organisation-update", method: "PATCH", path: "/v1/organisation",
        summary: "Changes the organisation.",
        access: member!(UpdateOrganisation, needs_nothing, organisation::update), body: PATCH,
        request: Some(shape::<organisation::update::OrganisationPatch>),
        success: &[(200, Some(shape::<organisation::OrganisationResponse>))], problems: &[412], ..ROUTE
    };
    ORGANISATION_DELETE = Route {
        name: "organisation-delete", method: "DELETE", path: "/v1/organisation",
        summary: "Closes the organisation: its data is unreadable when this answers, except what a statute or a hold keeps.",
        access: member!(CloseOrganisation, needs_nothing, organisation::delete),
        success: &[(202, Some(shape::<erasures::ErasureBegun>))], ..ROUTE
    };
    ORGANISATION_CANCEL = Route {
        name: "organisation-cancel", method: "POST", path: "/v1/organisation/cancel",
        summary: "Cancels the subscription. The answer says when which data is erased.",
        access: member!(ManageSubscription, needs_nothing, organisation::cancel),
        success: &[(200, Some(shape::<organisation::OrganisationResponse>))], problems: &[409], ..ROUTE
    };
    ORGANISATION_RESUME = Route {
        name: "organisation-resume", method: "POST", path: "/v1/organisation/resume",
        summary: "Resumes a cancelled subscription: no period runs any more.",
        access: member!(ManageSubscription, needs_nothing, organisation::resume),
        success: &[(200, Some(shape::<organisation::OrganisationResponse>))], problems: &[409], ..ROUTE
    };
    BILLING_GET = Route {
        name: "billing-get", path: "/v1/organisation/billing",
        summary: "To whom invoices go.",
        access: member!(ReadBilling, billing::needs, billing::get),
        success: &[(200, Some(shape::<billing::BillingResponse>)), (304, None)], problems: &[404], ..ROUTE
    };
    BILLING_PUT = Route {
        name: "billing-put", method: "PUT", path: "/v1/organisation/billing",
        summary: "Says to whom invoices go. Never a card: the payment provider has that.",
        access: member!(UpdateBilling, billing::needs, billing::put), body: JSON,
        request: Some(shape::<shared::organisations::model::BillingDetails>),
        success: &[(200, Some(shape::<billing::BillingResponse>))], problems: &[412], ..ROUTE
    };
}

//! Accounts: registration, sign-in, one's own account.

use super::*;
use crate::{auth, erasures, me};

routes! {
    AUTH_REGISTER = Route {
        name: "auth-register", method: "POST", path: "/v1/auth/register",
        summary: "Registers a person and an organisation. An address that is taken looks the same as a new one.",
        access: public!(auth::register), body: JSON, request: Some(shape::<auth::register::RegisterRequest>),
        rate: Rate::Sensitive, success: &[(202, Some(shape::<auth::Accepted>))], ..ROUTE
    };
    AUTH_VERIFY_EMAIL = Route {
        name: "auth-verify-email", method: "POST", path: "/v1/auth/verify-email",
        summary: "Shows with the code from the mail that the address is one's own.",
        access: public!(auth::verify_email), body: JSON, request: Some(shape::<auth::verify_email::VerifyEmailRequest>),
        rate: Rate::Sensitive, success: &[(204, None)], ..ROUTE
    };
    AUTH_RESEND_VERIFICATION = Route {
        name: "auth-resend-verification", method: "POST", path: "/v1/auth/resend-verification",
        summary: "Sends the code again, if there is an account that waits for it.",
        access: public!(auth::resend_verification), body: JSON,
        request: Some(shape::<auth::resend_verification::ResendVerificationRequest>),
        rate: Rate::Sensitive, success: &[(202, Some(shape::<auth::Accepted>))], ..ROUTE
    };
    AUTH_LOGIN = Route {
        name: "auth-login", method: "POST", path: "/v1/auth/login",
        summary: "Signs in with address and password. An account with a second factor is then asked for it.",
        access: public!(auth::login), body: JSON, request: Some(shape::<auth::login::LoginRequest>),
        rate: Rate::Sensitive,
        success: &[
            (200, Some(shape::<auth::SessionResponse>)),
            (202, Some(shape::<auth::login::MfaResponse>)),
        ],
        problems: &[401], ..ROUTE
    };
    AUTH_REFRESH = Route {
        name: "auth-refresh", method: "POST", path: "/v1/auth/refresh",
        summary: "Gives new tokens for a refresh token, which is good once.",
        access: public!(auth::refresh), body: JSON, request: Some(shape::<auth::refresh::RefreshRequest>),
        rate: Rate::Sensitive, success: &[(200, Some(shape::<auth::SessionResponse>))], problems: &[401], ..ROUTE
    };
    AUTH_LOGOUT = Route {
        name: "auth-logout", method: "POST", path: "/v1/auth/logout",
        summary: "Ends the session. Its tokens are refused from the next request on.",
        access: member!(UseOwnAccount, needs_nothing, auth::logout), success: &[(204, None)], ..ROUTE
    };
    ME_GET = Route {
        name: "me-get", path: "/v1/me",
        summary: "The own account.",
        access: member!(UseOwnAccount, me::needs, me::get),
        success: &[(200, Some(shape::<me::MeResponse>)), (304, None)], problems: &[404], ..ROUTE
    };
    ME_UPDATE = Route {
        name: "me-update", method: "PATCH", path: "/v1/me",
        summary: "Changes the own account.",
        access: member!(UseOwnAccount, me::needs, me::update), body: PATCH,
        request: Some(shape::<me::update::MePatch>),
        success: &[(200, Some(shape::<me::MeResponse>))], problems: &[404, 412], ..ROUTE
    };
    ME_DELETE = Route {
        name: "me-delete", method: "DELETE", path: "/v1/me",
        summary: "Deletes the own account at once and for good: when this answers, nothing of it is readable.",
        access: member!(DeleteOwnAccount, me::delete::needs, me::delete),
        success: &[(202, Some(shape::<erasures::ErasureBegun>))], problems: &[409], ..ROUTE
    };
}

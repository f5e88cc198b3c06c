//! Passwords and addresses that change.

use super::*;
use crate::{auth, me, members};

routes! {
    AUTH_FORGOT_PASSWORD = Route {
        name: "auth-forgot-password", method: "POST", path: "/v1/auth/forgot-password",
        summary: "Mails a code for a new password, good for 60 minutes, if the address has an account. Nobody can tell.",
        access: public!(auth::forgot_password), body: JSON,
        request: Some(shape::<auth::forgot_password::ForgotPasswordRequest>),
        rate: Rate::Sensitive, success: &[(202, Some(shape::<auth::Accepted>))], ..ROUTE
    };
    AUTH_RESET_PASSWORD = Route {
        name: "auth-reset-password", method: "POST", path: "/v1/auth/reset-password",
        summary: "Sets a new password with the code from the mail. Every session ends; second factors stay.",
        access: public!(auth::reset_password), body: JSON,
        request: Some(shape::<auth::reset_password::ResetPasswordRequest>),
        rate: Rate::Sensitive, success: &[(204, None)], ..ROUTE
    };
    AUTH_CONFIRM_EMAIL = Route {
        name: "auth-confirm-email", method: "POST", path: "/v1/auth/confirm-email",
        summary: "Takes one of the two codes of a change of address. With the second, it changes and every session ends.",
        access: public!(auth::confirm_email), body: JSON,
        request: Some(shape::<auth::confirm_email::ConfirmEmailRequest>),
        rate: Rate::Sensitive, success: &[(204, None)], problems: &[409], ..ROUTE
    };
    ME_PASSWORD = Route {
        name: "me-password", method: "PUT", path: "/v1/me/password",
        summary: "Changes the password. Every other session ends; the answer is a new one in place of one's own.",
        access: member!(SecureOwnAccount, me::password::needs, me::password), body: JSON,
        request: Some(shape::<me::password::PasswordRequest>), rate: Rate::Sensitive,
        success: &[(200, Some(shape::<auth::SessionResponse>))], problems: &[404, 409], ..ROUTE
    };
    ME_EMAIL = Route {
        name: "me-email", method: "POST", path: "/v1/me/email",
        summary: "Asks for another address: a code goes to the old one and one to the new, each good for 24 hours.",
        access: member!(SecureOwnAccount, me::needs, me::email), body: JSON,
        request: Some(shape::<me::email::EmailRequest>), rate: Rate::Sensitive,
        success: &[(202, Some(shape::<auth::Accepted>))], problems: &[404], ..ROUTE
    };
    ME_EMAIL_CANCEL = Route {
        name: "me-email-cancel", method: "DELETE", path: "/v1/me/email",
        summary: "Forgets the change of address that waits for its codes.",
        access: member!(UseOwnAccount, needs_nothing, me::email_cancel),
        success: &[(204, None)], problems: &[404], ..ROUTE
    };
    MEMBERS_RESET_PASSWORD = Route {
        name: "members-reset-password", method: "POST", path: "/v1/members/{user_id}/reset-password",
        summary: "Mails a member a code for a new password. Only the member sees it and chooses.",
        access: member!(ManageMembers, members::reset_password::needs, members::reset_password),
        rate: Rate::Sensitive, success: &[(202, Some(shape::<auth::Accepted>))], problems: &[404], ..ROUTE
    };
}

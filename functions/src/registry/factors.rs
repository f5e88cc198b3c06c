//! Factors besides the password: set up, used at sign-in and for step-up, demanded, and helped with when lost.

use super::*;
use crate::{auth, factors, me, members, organisation};

routes! {
    AUTH_MFA = Route {
        name: "auth-mfa", method: "POST", path: "/v1/auth/mfa",
        summary: "Ends a sign-in that waits for a second factor with a session. It takes five tries in five minutes.",
        access: public!(auth::mfa), body: JSON, request: Some(shape::<auth::mfa::MfaRequest>),
        rate: Rate::Sensitive, success: &[(200, Some(shape::<auth::SessionResponse>))], problems: &[401], ..ROUTE
    };
    AUTH_PASSKEY_BEGIN = Route {
        name: "auth-passkey-begin", method: "POST", path: "/v1/auth/passkeys",
        summary: "Begins a sign-in by passkey: options for the browser, good for five minutes.",
        access: public!(auth::passkey_begin), rate: Rate::Sensitive,
        success: &[(200, Some(shape::<auth::passkey_begin::PasskeyCeremony>))], ..ROUTE
    };
    AUTH_PASSKEY_FINISH = Route {
        name: "auth-passkey-finish", method: "POST", path: "/v1/auth/passkeys/finish",
        summary: "Signs in with a passkey, which counts as two factors. The options are good for one answer.",
        access: public!(auth::passkey_finish), body: JSON,
        request: Some(shape::<auth::passkey_finish::PasskeyRequest>),
        rate: Rate::Sensitive, success: &[(200, Some(shape::<auth::SessionResponse>))], problems: &[401], ..ROUTE
    };
    ME_STEP_UP = Route {
        name: "me-step-up", method: "POST", path: "/v1/me/step-up",
        summary: "Shows once more that it is the same person. The answer is a new session in place of the old.",
        access: member!(UseOwnAccount, me::step_up::needs, me::step_up), body: JSON,
        request: Some(shape::<me::step_up::StepUpRequest>), rate: Rate::Sensitive,
        success: &[(200, Some(shape::<auth::SessionResponse>))], problems: &[403], ..ROUTE
    };
    ME_STEP_UP_BEGIN = Route {
        name: "me-step-up-begin", method: "POST", path: "/v1/me/step-up/passkey",
        summary: "Options for the browser to step up with a passkey, good for five minutes.",
        access: member!(UseOwnAccount, factors::needs, me::step_up_begin),
        success: &[(200, Some(shape::<factors::OptionsResponse>))], problems: &[409], ..ROUTE
    };
    FACTORS_LIST = Route {
        name: "factors-list", path: "/v1/me/factors",
        summary: "The own factors besides the password. Nothing secret.",
        access: member!(UseOwnAccount, factors::needs, factors::list),
        success: &[(200, Some(shape::<factors::list::FactorsResponse>))], problems: &[404], ..ROUTE
    };
    FACTORS_TOTP_CREATE = Route {
        name: "factors-totp-create", method: "POST", path: "/v1/me/factors/totp",
        summary: "Makes the secret of an authenticator app, shown once. It is no factor before a code of it was shown.",
        access: member!(SecureOwnAccount, factors::needs, factors::totp_create),
        success: &[(201, Some(shape::<factors::totp_create::TotpSecret>))], problems: &[404, 409], ..ROUTE
    };
    FACTORS_TOTP_CONFIRM = Route {
        name: "factors-totp-confirm", method: "POST", path: "/v1/me/factors/totp/confirm",
        summary: "Makes the app a factor by a code. Other sessions end; the answer is a new session in place of the old.",
        access: member!(SecureOwnAccount, factors::needs, factors::totp_confirm), body: JSON,
        request: Some(shape::<factors::totp_confirm::TotpConfirmation>), rate: Rate::Sensitive,
        success: &[(200, Some(shape::<auth::SessionResponse>))], problems: &[404, 409], ..ROUTE
    };
    FACTORS_TOTP_DELETE = Route {
        name: "factors-totp-delete", method: "DELETE", path: "/v1/me/factors/totp",
        summary: "Removes the authenticator app. Other sessions end. The last factor takes the recovery codes along.",
        access: member!(SecureOwnAccount, factors::needs, factors::totp_delete),
        success: &[(204, None)], problems: &[404, 409], ..ROUTE
    };
    FACTORS_PASSKEY_CREATE = Route {
        name: "factors-passkey-create", method: "POST", path: "/v1/me/factors/passkeys",
        summary: "Options for the browser to make a passkey, good for five minutes.",
        access: member!(SecureOwnAccount, factors::needs, factors::passkey_create),
        success: &[(200, Some(shape::<factors::OptionsResponse>))], problems: &[404, 409], ..ROUTE
    };
    FACTORS_PASSKEY_CONFIRM = Route {
        name: "factors-passkey-confirm", method: "POST", path: "/v1/me/factors/confirm-passkey",
        summary: "Registers the passkey. Other sessions end; the answer is a new session in place of the old.",
        access: member!(SecureOwnAccount, factors::confirmation_needs, factors::passkey_confirm), body: JSON,
        request: Some(shape::<factors::passkey_confirm::PasskeyConfirmation>), rate: Rate::Sensitive,
        success: &[(200, Some(shape::<auth::SessionResponse>))], problems: &[404, 409], ..ROUTE
    };
    FACTORS_PASSKEY_DELETE = Route {
        name: "factors-passkey-delete", method: "DELETE", path: "/v1/me/factors/passkeys/{passkey_id}",
        summary: "Removes a passkey. Other sessions end. The last factor takes the recovery codes along.",
        access: member!(SecureOwnAccount, factors::removal_needs, factors::passkey_delete),
        success: &[(204, None)], problems: &[404, 409], ..ROUTE
    };
    FACTORS_RECOVERY_CREATE = Route {
        name: "factors-recovery-create", method: "POST", path: "/v1/me/factors/recovery-codes",
        summary: "Makes ten recovery codes, shown once. The old ones are dead; other sessions end.",
        access: member!(SecureOwnAccount, factors::needs, factors::recovery_create),
        success: &[(201, Some(shape::<factors::recovery_create::RecoveryCodesResponse>))],
        problems: &[404, 409], ..ROUTE
    };
    MEMBERS_RESET_FACTORS = Route {
        name: "members-reset-factors", method: "POST", path: "/v1/members/{user_id}/reset-factors",
        summary: "Removes a member's lost factors, once two administrators have asked for it within a day.",
        access: member!(ManageMembers, members::reset_factors::needs, members::reset_factors),
        success: &[
            (200, Some(shape::<members::reset_factors::ResetResponse>)),
            (202, Some(shape::<members::reset_factors::ResetResponse>)),
        ],
        problems: &[404, 409], ..ROUTE
    };
    ORGANISATION_GET_SECURITY = Route {
        name: "organisation-get-security", path: "/v1/organisation/security",
        summary: "How members sign in. Its ETag is the organisation's.",
        access: member!(ReadSecurity, needs_nothing, organisation::get_security),
        success: &[(200, Some(shape::<shared::organisations::model::Security>)), (304, None)],
        problems: &[404], ..ROUTE
    };
    ORGANISATION_PUT_SECURITY = Route {
        name: "organisation-put-security", method: "PUT", path: "/v1/organisation/security",
        summary: "Decides how members sign in: from the next request on, and never below what our policy promises.",
        access: member!(ManageSecurity, needs_nothing, organisation::put_security), body: JSON,
        request: Some(shape::<organisation::put_security::SecurityRequest>),
        success: &[(200, Some(shape::<shared::organisations::model::Security>))], problems: &[404, 412, 428], ..ROUTE
    };
}

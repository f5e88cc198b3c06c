//! Entries of activity logs as they are stored.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::ActorId;

macro_rules! kinds {
    ($($(#[$meta:meta])* $id:ident = $name:literal;)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum ActivityKind {
            $($(#[$meta])* #[serde(rename = $name)] $id,)*
        }

        impl ActivityKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$id),*];

            /// Its name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$id => $name,)*
                }
            }
        }

        impl std::str::FromStr for ActivityKind {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().find(|kind| kind.as_str() == text);
                known.copied().ok_or("This is no kind of activity")
            }
        }
    };
}

kinds! {
    /// Somebody signed in.
    SignedIn = "signed_in";
    /// A sign-in failed.
    SignInFailed = "sign_in_failed";
    /// Somebody signed out.
    SignedOut = "signed_out";
    /// A session was ended.
    SessionEnded = "session_ended";
    /// All sessions but the one that asked were ended.
    SessionsEnded = "sessions_ended";
    /// A refresh token that had been replaced came again.
    TokenReused = "token_reused";
    /// The person proved again that it is them.
    SteppedUp = "stepped_up";
    /// The password was changed.
    PasswordChanged = "password_changed";
    /// A new password was asked for by mail.
    PasswordResetRequested = "password_reset_requested";
    /// The password was replaced by means of a mail.
    PasswordReset = "password_reset";
    /// Another address was asked for.
    EmailChangeRequested = "email_change_requested";
    /// The address changed.
    EmailChanged = "email_changed";
    /// An authenticator app was set up.
    TotpEnabled = "totp_enabled";
    /// The authenticator app was removed.
    TotpDisabled = "totp_disabled";
    /// A passkey was added.
    PasskeyAdded = "passkey_added";
    /// A passkey was removed.
    PasskeyRemoved = "passkey_removed";
    /// Recovery codes were made.
    RecoveryCodesCreated = "recovery_codes_created";
    /// A recovery code was used.
    RecoveryCodeUsed = "recovery_code_used";
    /// All second factors were removed by administrators, for somebody who had lost them.
    FactorsReset = "factors_reset";
    /// The removal of somebody's lost factors was asked for.
    FactorsResetRequested = "factors_reset_requested";
    /// An identity at a provider was linked.
    IdentityLinked = "identity_linked";
    /// An identity at a provider was unlinked.
    IdentityUnlinked = "identity_unlinked";
    /// Somebody was invited.
    MemberInvited = "member_invited";
    /// An invitation was sent again.
    InvitationResent = "invitation_resent";
    /// An invitation was taken back.
    InvitationRevoked = "invitation_revoked";
    /// An invitation that nobody had accepted was deleted.
    InvitationExpired = "invitation_expired";
    /// Somebody joined.
    MemberJoined = "member_joined";
    /// A member's role changed.
    RoleChanged = "role_changed";
    /// A member was suspended.
    MemberSuspended = "member_suspended";
    /// A suspension ended.
    MemberReinstated = "member_reinstated";
    /// A member was removed.
    MemberRemoved = "member_removed";
    /// A member left.
    MemberLeft = "member_left";
    /// Somebody else became an owner in an owner's place.
    OwnershipTransferred = "ownership_transferred";
    /// A custom role was defined.
    RoleCreated = "role_created";
    /// A custom role was changed.
    RoleUpdated = "role_updated";
    /// A custom role was deleted.
    RoleDeleted = "role_deleted";
    /// How members sign in was changed.
    SecurityChanged = "security_changed";
    /// A connection to an identity provider was made.
    ConnectionCreated = "connection_created";
    /// A connection was changed.
    ConnectionUpdated = "connection_updated";
    /// A connection was deleted.
    ConnectionDeleted = "connection_deleted";
    /// A domain was added.
    DomainAdded = "domain_added";
    /// A domain was shown to be the organisation's.
    DomainVerified = "domain_verified";
    /// A domain was removed.
    DomainRemoved = "domain_removed";
    /// A service account was created.
    ServiceAccountCreated = "service_account_created";
    /// A service account was changed.
    ServiceAccountUpdated = "service_account_updated";
    /// A service account was deleted.
    ServiceAccountDeleted = "service_account_deleted";
    /// An API key was created.
    ApiKeyCreated = "api_key_created";
    /// An API key was revoked.
    ApiKeyRevoked = "api_key_revoked";
    /// The activity log was exported.
    ActivityExported = "activity_exported";
    /// The organisation was changed.
    OrganisationUpdated = "organisation_updated";
    /// The subscription was cancelled.
    SubscriptionCancelled = "subscription_cancelled";
    /// The subscription was resumed.
    SubscriptionResumed = "subscription_resumed";
    /// Staff asked for exceptional access.
    AccessRequested = "access_requested";
    /// Exceptional access was allowed.
    AccessApproved = "access_approved";
    /// Exceptional access was refused.
    AccessRefused = "access_refused";
    /// Exceptional access was ended before its time.
    AccessEnded = "access_ended";
    /// Staff read something under exceptional access.
    AccessUsed = "access_used";
}

/// The clear part of an entry: ids and instants only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityFacts {
    /// What happened.
    pub kind: ActivityKind,
    /// When.
    pub at: Timestamp,
    /// Who did it; absent when nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorId>,
    /// What it was done to: an id, or a fixed word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Until when it is shown; Unix milliseconds.
    pub expires_at: i64,
    /// The same in Unix seconds, for DynamoDB's housekeeping.
    pub ttl: i64,
}

/// An entry of an organisation's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrganisationActivity(pub ActivityFacts);

/// The sealed part of an entry of a user's own log: from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountActivity {
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<std::net::IpAddr>,
    /// What the client calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

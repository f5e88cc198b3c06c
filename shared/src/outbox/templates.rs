//! What mails say. Text only: nothing to escape, nothing to load, and every client shows it.

use serde::{Deserialize, Serialize};

use crate::mfa::model::Factor;
use crate::staff::notice::AccessNotice;

/// A mail's template with what it needs. Texts from people never stand in a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "template", rename_all = "snake_case")]
pub enum Template {
    /// Asks a new user to show that the address is theirs.
    VerifyEmail {
        /// The one-time code.
        code: String,
    },
    /// Tells the owner of an address that somebody tried to register it again.
    AlreadyRegistered,
    /// Tells an owner what cancelling means and when the data goes.
    Cancelled {
        /// The date, in words, per class.
        dates: Vec<(String, String)>,
    },
    /// Tells somebody that they have another factor.
    FactorAdded {
        /// Which.
        factor: Factor,
    },
    /// Tells somebody that a factor of theirs was removed.
    FactorRemoved {
        /// Which.
        factor: Factor,
    },
    /// Tells somebody that a recovery code of theirs was used.
    RecoveryCodeUsed {
        /// How many are left.
        left: usize,
    },
    /// Tells somebody that a wrong second factor was shown after what only they should know.
    SecondFactorWrong,
    /// Tells somebody that an administrator asked to remove their factors.
    FactorsResetRequested,
    /// Tells somebody that two administrators removed their factors.
    FactorsReset,
    /// Tells the owner of an account that an old refresh token was used: somebody has a copy.
    SessionsEnded,
    /// Tells somebody that they are one of the operator's staff now.
    StaffInvited {
        /// The one-time code that sets a password.
        code: String,
    },
    /// Tells an owner where exceptional access of the operator's staff stands.
    ExceptionalAccess(AccessNotice),
    /// Invites somebody into an organisation.
    Invited {
        /// The organisation's name.
        organisation: String,
        /// The one-time code.
        code: String,
    },
    /// Tells a member of another role.
    RoleChanged {
        /// The organisation's name.
        organisation: String,
        /// The role's name.
        role: String,
    },
    /// Tells a member that the membership is suspended.
    MembershipSuspended {
        /// The organisation's name.
        organisation: String,
    },
    /// Tells a member that it is so no longer.
    MembershipReinstated {
        /// The organisation's name.
        organisation: String,
    },
    /// Tells somebody that they are no member any more.
    MembershipEnded {
        /// The organisation's name.
        organisation: String,
    },
    /// Tells an owner that somebody else is now.
    OwnershipGiven {
        /// The organisation's name.
        organisation: String,
    },
    /// Tells a member that they are an owner now.
    OwnershipReceived {
        /// The organisation's name.
        organisation: String,
    },
    /// Tells a member that an administrator ended their sessions.
    SessionsEndedByAdmin,
    /// Tells a person that an API key was created in their name.
    ApiKeyCreated {
        /// What the key begins with.
        prefix: String,
        /// When it ends, RFC 3339.
        ends: String,
    },
    /// Tells whoever created an API key that it ends soon.
    ApiKeyEnds {
        /// What the key begins with.
        prefix: String,
        /// When it ends, RFC 3339.
        ends: String,
    },
    /// Tells the owner of an account that somebody failed to sign in so often that it was locked.
    SignInsFailed {
        /// How often.
        failures: u32,
        /// Whether the account stays locked until its password is reset.
        reset_needed: bool,
    },
    /// Gives whoever has the address a code to choose a new password with.
    ResetPassword {
        /// The one-time code.
        code: String,
    },
    /// Tells whoever asked for a new password that it would open nothing.
    SignInThroughProvider,
    /// Tells a person that another identity signs them in.
    IdentityLinked {
        /// The organisation whose provider vouches for it.
        organisation: String,
    },
    /// Tells a person that an identity does not sign them in any more.
    IdentityUnlinked,
    /// Tells a user that the password is another one now.
    PasswordChanged,
    /// Asks at the old address whether the account may have another one.
    EmailChangeAsked {
        /// The one-time code.
        code: String,
    },
    /// Asks a user to show that the new address is theirs.
    ConfirmNewEmail {
        /// The one-time code.
        code: String,
    },
    /// Tells the owner of an address that somebody wanted it for another account.
    AddressTaken,
    /// Tells the old address that the account has another one now.
    EmailChanged,
}

/// A mail as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Subject.
    pub subject: String,
    /// Body.
    pub body: String,
}

impl Template {
    /// The mail, with links to `origin` only and signed by `operator`.
    pub fn render(&self, origin: &str, operator: &str) -> Text {
        let (subject, body) = match self {
            Self::VerifyEmail { code } => (
                "Confirm your e-mail address",
                format!(
                    "Welcome to {operator}.\n\nTo confirm that this address is yours, send this code to \
                     POST {origin}/v1/auth/verify-email:\n\n{code}\n\nIt is good for 24 hours and for one use. If you \
                     did not register, do nothing: without the code the account cannot be used.\n"
                ),
            ),
            Self::AlreadyRegistered => (
                "You have an account already",
                format!(
                    "Somebody, probably you, tried to register this address with {operator}. It has an account already; \
                     nothing was changed. Sign in with POST {origin}/v1/auth/login.\n"
                ),
            ),
            Self::Cancelled { dates } => {
                let lines: Vec<_> = dates
                    .iter()
                    .map(|(class, date)| format!("- {class}: {date}"))
                    .collect();
                (
                    "Your subscription is cancelled",
                    format!(
                        "You can read, export and delete your data, and resume the subscription, until it is erased as \
                         our privacy policy says:\n\n{}\n\nTo have it erased earlier, send DELETE {origin}/v1/organisation.\n",
                        lines.join("\n")
                    ),
                )
            }
            Self::SessionsEnded => (
                "We signed you out of a session",
                format!(
                    "A sign-in token of yours that had been replaced was used again. Somebody may have a copy, so the \
                     session was ended. Sign in again at {origin}; if this happens again, change your password.\n"
                ),
            ),
            Self::FactorAdded { factor } => (
                "Your sign-in has another factor",
                format!(
                    "{} can be used with your account from now on; your other sessions were ended. If this was not you, \
                     change your password at once and look at GET {origin}/v1/me/factors.\n",
                    factor.in_words_first()
                ),
            ),
            Self::FactorRemoved { factor } => (
                "A factor of your sign-in was removed",
                format!(
                    "{} cannot be used with your account any more; your other sessions were ended. If this was not you, \
                     change your password at once and write to {operator}.\n",
                    factor.in_words_first()
                ),
            ),
            Self::RecoveryCodeUsed { left } => (
                "A recovery code was used",
                format!(
                    "Somebody, probably you, signed in with one of your recovery codes. {left} are left; make new ones with \
                     POST {origin}/v1/me/factors/recovery-codes. If this was not you, change your password at once.\n"
                ),
            ),
            Self::SecondFactorWrong => (
                "Somebody showed a wrong second factor",
                format!(
                    "Somebody who knows your password, or has a session of yours, showed a second factor that is wrong. \
                     They were not let in. If this was not you, change your password at {origin}.\n"
                ),
            ),
            Self::FactorsResetRequested => (
                "An administrator asked to remove your second factors",
                format!(
                    "An administrator of your organisation says that you lost your second factors. If another \
                     administrator agrees within 24 hours, they are removed. If you did not ask for this, tell them now, \
                     or write to {operator}.\n"
                ),
            ),
            Self::FactorsReset => (
                "Your second factors were removed",
                format!(
                    "Two administrators of your organisation removed them, and you were signed out everywhere. Sign in \
                     with your password at {origin} and set up new ones. If you did not ask for this, write to \
                     {operator}.\n"
                ),
            ),
            Self::StaffInvited { code } => (
                "You are on the staff",
                format!(
                    "You are one of the staff of {operator} now. To choose your password, send this code with it to \
                     POST {origin}/v1/auth/reset-password:\n\n{code}\n\nIt is good for 24 hours and for one use. Then sign \
                     in and set up a second factor: without one, staff can do nothing.\n"
                ),
            ),
            Self::ExceptionalAccess(notice) => (notice.subject(), notice.body(origin)),
            Self::Invited { organisation, code } => (
                "You are invited to an organisation",
                format!(
                    "A member of \"{organisation}\" invites you to work with them at {operator}.\n\nIf you have no account \
                     yet, send this code with your name and a password to POST {origin}/v1/auth/accept-invitation. If you \
                     have one, sign in and send it to POST {origin}/v1/me/organisations:\n\n{code}\n\nIt is good for 7 \
                     days and for one use. If you do not know them, do nothing: nobody can use your address without the \
                     code.\n"
                ),
            ),
            Self::RoleChanged { organisation, role } => (
                "Your role was changed",
                format!(
                    "Your role in \"{organisation}\" is now \"{role}\". You were signed out there; sign in again at \
                     {origin}.\n"
                ),
            ),
            Self::MembershipSuspended { organisation } => (
                "Your membership is suspended",
                format!(
                    "An administrator of \"{organisation}\" suspended your membership: you cannot see or change anything \
                     there. Your account stays yours.\n"
                ),
            ),
            Self::MembershipReinstated { organisation } => (
                "Your membership is no longer suspended",
                format!("You can work in \"{organisation}\" again. Sign in at {origin}.\n"),
            ),
            Self::MembershipEnded { organisation } => (
                "You are no longer a member of an organisation",
                format!(
                    "An administrator of \"{organisation}\" removed you. Your account stays yours: you can sign in, and \
                     delete it with DELETE {origin}/v1/me.\n"
                ),
            ),
            Self::OwnershipGiven { organisation } => (
                "You handed over an organisation",
                format!(
                    "Somebody else is now an owner of \"{organisation}\" in your place, and you are an admin. If this was \
                     not you, write to {operator} at once.\n"
                ),
            ),
            Self::OwnershipReceived { organisation } => (
                "You are now an owner of an organisation",
                format!(
                    "An owner of \"{organisation}\" handed it over to you: you can do everything there, closing it \
                     included. Sign in again at {origin}.\n"
                ),
            ),
            Self::SessionsEndedByAdmin => (
                "An administrator signed you out",
                format!(
                    "An administrator of your organisation ended your sessions there. Sign in again at {origin}. If you \
                     wonder why, ask them.\n"
                ),
            ),
            Self::ApiKeyCreated { prefix, ends } => (
                "An API key was created",
                format!(
                    "With your account, an API key was created that begins with\n\n{prefix}\n\nIt ends at {ends}. If it \
                     was not you, revoke it with DELETE {origin}/v1/service-accounts/…/keys/… and change your password.\n"
                ),
            ),
            Self::ApiKeyEnds { prefix, ends } => (
                "An API key ends soon",
                format!(
                    "The API key that begins with\n\n{prefix}\n\nends at {ends}. What uses it stops working then. Create \
                     another with POST {origin}/v1/service-accounts/…/keys, put it in its place, and revoke this one.\n"
                ),
            ),
            Self::SignInsFailed { .. }
            | Self::ResetPassword { .. }
            | Self::SignInThroughProvider
            | Self::IdentityLinked { .. }
            | Self::IdentityUnlinked
            | Self::PasswordChanged
            | Self::EmailChangeAsked { .. }
            | Self::ConfirmNewEmail { .. }
            | Self::AddressTaken
            | Self::EmailChanged => self.credentials(origin, operator),
        };
        Text {
            subject: subject.to_owned(),
            body: format!("{body}\n{operator}\n"),
        }
    }

    /// What is about passwords and addresses.
    fn credentials(&self, origin: &str, operator: &str) -> (&'static str, String) {
        let not_you = format!(
            "If this was not you, choose a new password at once: send your address to POST \
             {origin}/v1/auth/forgot-password."
        );
        match self {
            Self::SignInsFailed {
                failures,
                reset_needed,
            } => (
                "Somebody fails to sign in to your account",
                if *reset_needed {
                    format!(
                        "There were {failures} failed attempts to sign in to your account at {operator}. Nobody can sign in \
                         with its password any more until you choose a new one: send your address to POST \
                         {origin}/v1/auth/forgot-password.\n"
                    )
                } else {
                    format!(
                        "There were {failures} failed attempts to sign in to your account at {operator}. We let nobody try \
                         for a while, and for longer if it goes on. If it was you, wait a little; if not, there is nothing \
                         that you must do.\n"
                    )
                },
            ),
            Self::ResetPassword { code } => (
                "Choose a new password",
                format!(
                    "A new password was asked for your account at {operator}. To choose it, send this code with it to POST \
                     {origin}/v1/auth/reset-password:\n\n{code}\n\nIt is good for 60 minutes and for one use. If you did \
                     not ask, do nothing: without the code nothing changes.\n"
                ),
            ),
            Self::SignInThroughProvider => (
                "Sign in through your organisation",
                format!(
                    "A new password was asked for your account at {operator}. A password would open nothing: your \
                     organisation signs in through its identity provider, which begins with your address at POST \
                     {origin}/v1/auth/sso. If you did not ask, there is nothing that you must do.\n"
                ),
            ),
            Self::IdentityLinked { organisation } => (
                "Your sign-in has another identity",
                format!(
                    "The identity provider of \"{organisation}\" can sign you in there from now on; your other sessions \
                     were ended. You see it at GET {origin}/v1/me/identities.\n\n{not_you}\n"
                ),
            ),
            Self::IdentityUnlinked => (
                "An identity was removed from your sign-in",
                format!(
                    "An identity at a provider does not sign you in at {operator} any more; your other sessions were \
                     ended.\n\n{not_you}\n"
                ),
            ),
            Self::PasswordChanged => (
                "Your password was changed",
                format!(
                    "The password of your account at {operator} was changed, and every other session was ended.\n\n{not_you}\n"
                ),
            ),
            Self::EmailChangeAsked { code } => (
                "Your e-mail address is about to change",
                format!(
                    "Another e-mail address was asked for your account at {operator}. To agree, send this code to POST \
                     {origin}/v1/auth/confirm-email:\n\n{code}\n\nIt is good for 24 hours and for one use. Without it \
                     nothing changes.\n\n{not_you}\n"
                ),
            ),
            Self::ConfirmNewEmail { code } => (
                "Confirm your new e-mail address",
                format!(
                    "This address was given for an account at {operator}. To confirm that it is yours, send this code to \
                     POST {origin}/v1/auth/confirm-email:\n\n{code}\n\nIt is good for 24 hours and for one use. If you \
                     did not ask, do nothing.\n"
                ),
            ),
            Self::AddressTaken => (
                "You have an account already",
                format!(
                    "Somebody, probably you, wanted to give this address to another account at {operator}. It has an \
                     account already; nothing was changed.\n"
                ),
            ),
            _ => (
                "Your e-mail address was changed",
                format!(
                    "Your account at {operator} has another e-mail address now. This is the last mail to this one; it \
                     cannot be used to sign in any more.\n\nIf this was not you, write to us at once.\n"
                ),
            ),
        }
    }
}

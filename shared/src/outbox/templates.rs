//! What mails say. Text only: nothing to escape, nothing to load, and every client shows it.

use serde::{Deserialize, Serialize};

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
    /// Tells the owner of an account that an old refresh token was used: somebody has a copy.
    SessionsEnded,
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
            Self::SignInsFailed { .. }
            | Self::ResetPassword { .. }
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

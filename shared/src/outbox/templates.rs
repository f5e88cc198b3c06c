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
        };
        Text {
            subject: subject.to_owned(),
            body: format!("{body}\n{operator}\n"),
        }
    }
}

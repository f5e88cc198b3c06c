//! Mail as it is stored.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::ids::MailId;
use crate::unit::UnitId;

use super::templates::Template;

/// What is known of the sending of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailState {
    /// Not accepted by SES yet; will be tried at `next_attempt_at`.
    Pending,
    /// Handed to SES by somebody who may have died before noting the answer.
    Sending,
    /// Whether SES took it is not known. It is not sent again by itself: a person would get it twice.
    Unknown,
}

/// The head of a mail: ids and instants only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailHead {
    /// The unit with which its content is sealed: the account of the user it goes to, or that of the organisation that
    /// writes to somebody who may have no account.
    pub unit: UnitId,
    /// The mail.
    pub mail: MailId,
    /// What is known of its sending.
    pub state: MailState,
    /// When it is tried next, or until when the current attempt may take; Unix milliseconds.
    pub next_attempt_at: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
}

/// The clear part of a mail's content: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailFacts {}

/// A mail's content, sealed with the key of its unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailPayload {
    /// To whom.
    pub to: Email,
    /// What it says.
    pub template: Template,
}

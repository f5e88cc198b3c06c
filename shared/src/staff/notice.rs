//! What the owners of an organisation are told of exceptional access.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::{AccessState, Extent, Reason};
use crate::ids::{AccessId, UserId};

/// Tells an owner where exceptional access stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessNotice {
    /// The access.
    pub access: AccessId,
    /// Where it stands.
    pub state: AccessState,
    /// Who asked for it.
    pub staff: UserId,
    /// Why.
    pub reason: Reason,
    /// To which records.
    pub extent: Extent,
    /// For how many minutes.
    pub minutes: u16,
    /// Until when, once it was allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl AccessNotice {
    /// The subject of the mail.
    pub const fn subject(&self) -> &'static str {
        match self.state {
            AccessState::Requested => "Our staff ask for access to your records",
            AccessState::Approved => "Our staff have access to your records",
            AccessState::Refused => "Access of our staff to your records was refused",
            AccessState::Ended | AccessState::Expired => "Access of our staff to your records has ended",
        }
    }

    /// The body of the mail, with links to `origin` only.
    pub fn body(&self, origin: &str) -> String {
        let Self {
            access,
            staff,
            extent,
            reason,
            ..
        } = self;
        format!(
            "{}\n\nAccess: {access}\nWho: {staff}\nTo: {extent}\n\nThe reason that was given:\n\n{reason}\n",
            self.news(origin)
        )
    }

    fn news(&self, origin: &str) -> String {
        let decide = format!(
            "send POST {origin}/v1/organisation/access/{}/decision with",
            self.access
        );
        match self.state {
            AccessState::Requested => format!(
                "A member of our staff asks for access to your organisation's data for {} minutes. Nothing can be read \
                 unless an owner of your organisation, or a second member of our staff, allows it. To allow it, {decide} \
                 {{\"decision\": \"approve\"}}; to refuse it, with {{\"decision\": \"refuse\"}}.",
                self.minutes
            ),
            AccessState::Approved => {
                let end = self.expires_at.unwrap_or(Timestamp::UNIX_EPOCH);
                format!(
                    "A member of our staff has access to your organisation's data until {}. What they read is in your \
                     activity log. To end it now, {decide} {{\"decision\": \"end\"}}.",
                    end.strftime("%Y-%m-%d %H:%M UTC")
                )
            }
            AccessState::Refused => {
                "A member of our staff asked for access to your organisation's data. It was refused.".to_owned()
            }
            AccessState::Ended | AccessState::Expired => {
                "The access of a member of our staff to your organisation's data has ended. What they read is in your \
                 activity log."
                    .to_owned()
            }
        }
    }
}

//! Roles, custom ones included, and what of the records they reach.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Action;
use super::action::Column;
use crate::ids::{ActorId, RoleId};
use crate::organisations::model::OrganisationFacts;
use crate::records::model::Kind;

/// What a member of an organisation may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything, closing the organisation included.
    Owner,
    /// Everything but what only an owner may.
    Admin,
    /// Works with records.
    Member,
    /// Reads records.
    Viewer,
    /// What the organisation itself defined.
    Custom(RoleId),
}

impl Role {
    /// The roles that every organisation has.
    pub const BUILT_IN: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Viewer];

    /// What the role can do in an organisation; nothing, when it is a custom role that the organisation does not have.
    /// What is about the person alone is everybody's and not among it.
    pub fn grants(self, organisation: &OrganisationFacts) -> Grants {
        let own = |action: &Action| match self {
            Self::Custom(id) => {
                let grants = organisation.roles.get(&id);
                action.fits_custom_role() && grants.is_some_and(|grants| grants.actions.contains(action))
            }
            _ => self.in_table(*action) == Some(true),
        };
        let actions = Action::ALL.iter().copied();
        let actions = actions
            .filter(|action| !action.is_personal() && own(action))
            .collect();
        match self {
            Self::Custom(id) => Grants {
                actions,
                ..organisation.roles.get(&id).cloned().unwrap_or_default()
            },
            _ => Grants {
                actions,
                ..Grants::default()
            },
        }
    }

    /// Whether the table gives a built-in role the action; `None` for a custom role, whose grants say it.
    pub(super) fn in_table(self, action: Action) -> Option<bool> {
        let column = match self {
            Self::Owner => Column::Owner,
            Self::Admin => Column::Admin,
            Self::Member => Column::Member,
            Self::Viewer => Column::Viewer,
            Self::Custom(_) => return None,
        };
        Some(action.is(column))
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Owner => f.write_str("owner"),
            Self::Admin => f.write_str("admin"),
            Self::Member => f.write_str("member"),
            Self::Viewer => f.write_str("viewer"),
            Self::Custom(id) => id.fmt(f),
        }
    }
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let built_in = Self::BUILT_IN.into_iter().find(|role| role.to_string() == text);
        built_in
            .or_else(|| text.parse().ok().map(Self::Custom))
            .ok_or("It must be owner, admin, member, viewer or the id of a custom role")
    }
}

impl Serialize for Role {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Role {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Role {
    fn schema_name() -> Cow<'static, str> {
        "Role".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(owner|admin|member|viewer|role_[0-7][0-9a-hjkmnp-tv-z]{25})$"
        })
    }
}

/// The role of one of the operator's staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StaffRole {
    /// Helps customers; may ask for exceptional access.
    Support,
    /// May also allow the exceptional access of others.
    Lead,
}

impl StaffRole {
    pub(super) fn in_table(self, action: Action) -> bool {
        action.is(match self {
            Self::Support => Column::Support,
            Self::Lead => Column::Lead,
        })
    }
}

/// Which records a grant reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordScope {
    /// Those that the same actor created.
    Own,
    /// Everybody's.
    #[default]
    All,
}

/// What a custom role, or an API key, may do. A name that this version does not know any more grants nothing (G-29).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// The actions.
    #[serde(deserialize_with = "known_actions")]
    pub actions: BTreeSet<Action>,
    /// Whose records.
    #[serde(default)]
    pub records: RecordScope,
    /// Records of which kinds; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<BTreeSet<Kind>>,
}

fn known_actions<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<Action>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

impl Grants {
    /// Whether who has these can do everything that `others` allow: nobody gives more than they have (G-28).
    pub fn cover(&self, others: &Self) -> bool {
        let kinds = match (&self.kinds, &others.kinds) {
            (None, _) => true,
            (Some(own), Some(kinds)) => kinds.is_subset(own),
            (Some(_), None) => false,
        };
        let whose = self.records == RecordScope::All || others.records == RecordScope::Own;
        others.actions.is_subset(&self.actions) && (!others.are_about_records() || (kinds && whose))
    }

    /// Whether who has these may give `others` to a service account. As [`Grants::cover`]; what only one's own records
    /// allow cannot be given away in such a way, because the records of a service account are others.
    pub fn cover_service(&self, others: &Self) -> bool {
        self.cover(others) && (self.records == RecordScope::All || !others.are_about_records())
    }

    fn are_about_records(&self) -> bool {
        self.actions.iter().any(|action| action.is_about_records())
    }

    /// Which records they reach for `actor`.
    pub fn reach(&self, actor: ActorId) -> Reach {
        Reach {
            own: (self.records == RecordScope::Own).then_some(actor),
            kinds: self.kinds.clone(),
        }
    }
}

/// The records that a permit reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Only those that this actor created.
    pub own: Option<ActorId>,
    /// Only these kinds.
    pub kinds: Option<BTreeSet<Kind>>,
}

impl Reach {
    /// Whether every record is reached.
    pub fn is_full(&self) -> bool {
        self.own.is_none() && self.kinds.is_none()
    }

    /// Whether records of a kind are reached at all.
    pub fn covers_kind(&self, kind: Kind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }

    /// Whether a record is reached.
    pub fn covers(&self, kind: Kind, created_by: Option<ActorId>) -> bool {
        self.covers_kind(kind) && self.own.is_none_or(|own| created_by == Some(own))
    }
}

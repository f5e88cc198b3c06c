//! What is erased as one: an (organisation, class), or a user account.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::{OrgId, ParseIdError, UserId};
use crate::policy::Class;

/// Names a unit of erasure. Each unit has its own data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitId {
    /// One class of an organisation's data.
    Organisation(OrgId, Class),
    /// A person's account: profile, credential, sessions, mail to them.
    User(UserId),
}

impl UnitId {
    /// The class whose retention rule the unit follows.
    pub const fn class(self) -> Class {
        match self {
            Self::Organisation(_, class) => class,
            Self::User(_) => Class::Account,
        }
    }

    pub(crate) const fn bits(self) -> u128 {
        match self {
            Self::Organisation(org, _) => org.bits(),
            Self::User(user) => user.bits(),
        }
    }
}

impl From<UserId> for UnitId {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organisation(org, class) => write!(f, "{org}.{}", class.as_str()),
            Self::User(user) => write!(f, "{user}"),
        }
    }
}

impl FromStr for UnitId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        match text.split_once('.') {
            Some((org, class)) => {
                let class = class.parse().map_err(|_| ParseIdError { expected: "org" })?;
                Ok(Self::Organisation(org.parse()?, class))
            }
            None => Ok(Self::User(text.parse()?)),
        }
    }
}

impl Serialize for UnitId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnitId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

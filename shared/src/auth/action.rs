//! What can be asked for, and the table that says who may.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::Class;

/// The table that [`decide`](super::decide) reads, as text: the tests read the same.
pub const TABLE: &str = include_str!("authorization.csv");

macro_rules! actions {
    ($($(#[$meta:meta])* $id:ident = $name:literal, [$($class:ident),*];)*) => {
        /// What a caller can ask for. Every route that needs a member or staff names one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(#[$meta])* $id,)*
        }

        impl Action {
            /// All actions, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$id),*];

            /// Its name in the table, in custom roles and in the scopes of API keys.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$id => $name,)*
                }
            }

            /// The classes whose data keys the action needs.
            pub const fn classes(self) -> &'static [Class] {
                match self {
                    $(Self::$id => &[$(Class::$class),*],)*
                }
            }
        }
    };
}

actions! {
    /// See and name the own account, end own sessions.
    UseOwnAccount = "own-account.use", [];
    /// Change the own password, address and second factors.
    SecureOwnAccount = "own-account.secure", [];
    /// Delete the own account.
    DeleteOwnAccount = "own-account.delete", [];
    /// See the organisation.
    ReadOrganisation = "organisation.read", [Account];
    /// Change the organisation.
    UpdateOrganisation = "organisation.update", [Account];
    /// Close the organisation and have its data erased.
    CloseOrganisation = "organisation.close", [Account];
    /// Make somebody else an owner in one's own place.
    TransferOwnership = "ownership.transfer", [Account];
    /// Cancel or resume the subscription.
    ManageSubscription = "subscription.manage", [Account];
    /// See billing details.
    ReadBilling = "billing.read", [Account, Billing];
    /// Change billing details.
    UpdateBilling = "billing.update", [Account, Billing];
    /// See records, timelines, attachments, imports.
    ReadRecords = "records.read", [Account, Content];
    /// Create and change them.
    WriteRecords = "records.write", [Account, Content];
    /// Delete them.
    DeleteRecords = "records.delete", [Account, Content];
    /// See who is in the organisation.
    ReadMembers = "members.read", [Account];
    /// Invite people.
    InviteMembers = "members.invite", [Account];
    /// Change roles, suspend, remove, help with lost factors.
    ManageMembers = "members.manage", [Account];
    /// Define custom roles.
    ManageRoles = "roles.manage", [Account];
    /// See how members sign in.
    ReadSecurity = "security.read", [Account];
    /// Decide how members sign in: second factors, single sign-on, domains.
    ManageSecurity = "security.manage", [Account];
    /// See service accounts and their keys.
    ReadApiKeys = "api-keys.read", [Account];
    /// Create and revoke them.
    ManageApiKeys = "api-keys.manage", [Account];
    /// Read the activity log.
    ReadActivity = "activity.read", [Account];
    /// Export it.
    ExportActivity = "activity.export", [Account];
    /// See who of the operator's staff asked for access, and what they read.
    ReadAccess = "access.read", [Account];
    /// Allow or end such access.
    DecideAccess = "access.decide", [Account];
    /// As staff: see organisations.
    StaffReadOrganisations = "staff.organisations.read", [];
    /// As staff: ask for access to records.
    StaffRequestAccess = "staff.access.request", [];
    /// As staff: allow somebody else's access.
    StaffApproveAccess = "staff.access.approve", [];
    /// As staff: read records under access that was allowed.
    StaffUseAccess = "staff.access.use", [];
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Person,
    Owner,
    Admin,
    Member,
    Viewer,
    Support,
    Lead,
    Custom,
    Service,
    Cancelled,
    StepUp,
}

const HEADER: &str = "action,person,owner,admin,member,viewer,support,lead,custom,service,cancelled,step_up";

/// One bit per column, in the order of [`Action::ALL`].
static ROWS: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let mut lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some(HEADER), "the header of authorization.csv");
    let rows: Vec<_> = lines
        .zip(Action::ALL)
        .map(|(line, action)| row(line, *action))
        .collect();
    assert_eq!(
        rows.len(),
        Action::ALL.len(),
        "a line for each action in authorization.csv"
    );
    rows
});

/// A table that is broken stops every function at its first request; a test reads it before.
fn row(line: &str, action: Action) -> u16 {
    let mut cells = line.split(',');
    assert_eq!(cells.next(), Some(action.as_str()), "a line of authorization.csv");
    let mut bits = 0;
    for (column, cell) in cells.enumerate() {
        match cell {
            "yes" => bits |= 1 << column,
            "no" => {}
            _ => panic!("{cell} is neither yes nor no in authorization.csv"),
        }
    }
    bits
}

impl Action {
    pub(super) fn is(self, column: Column) -> bool {
        ROWS[self as usize] & (1 << column as u16) != 0
    }

    /// Whether the action is about the person alone and works without an organisation.
    pub fn is_personal(self) -> bool {
        self.is(Column::Person)
    }

    /// Whether it is for the operator's staff only.
    pub fn is_for_staff(self) -> bool {
        self.as_str().starts_with("staff.")
    }

    /// Whether it needs a sign-in or step-up of the last five minutes.
    pub fn needs_step_up(self) -> bool {
        self.is(Column::StepUp)
    }

    /// Whether a custom role may contain it.
    pub fn fits_custom_role(self) -> bool {
        self.is(Column::Custom)
    }

    /// Whether the scopes of an API key may contain it.
    pub fn fits_api_key(self) -> bool {
        self.is(Column::Service)
    }

    /// The names of those that fit, for the shapes of what is sent.
    pub fn names(fits: fn(Self) -> bool) -> Vec<&'static str> {
        let fitting = Self::ALL.iter().filter(|action| fits(**action));
        fitting.map(|action| action.as_str()).collect()
    }

    /// Whether it is about records, so that a role can narrow it to one's own or to some kinds.
    pub const fn is_about_records(self) -> bool {
        matches!(self, Self::ReadRecords | Self::WriteRecords | Self::DeleteRecords)
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|action| action.as_str() == text);
        known
            .copied()
            .ok_or_else(|| format!("{} is not an action", crate::text::shown(text)))
    }
}

impl Serialize for Action {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Action {
    fn schema_name() -> Cow<'static, str> {
        "Action".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names = Self::names(|action| action.fits_custom_role() || action.fits_api_key());
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

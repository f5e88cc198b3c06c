//! Organisations as they are stored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::auth::{Grants, Role};
use crate::ids::{ConnectionId, RoleId};
use crate::text::{Line, Lines};

/// Where the subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subscription {
    /// Being tried.
    Trialing,
    /// Paid.
    Active,
    /// Cancelled: the periods of the policy run.
    Cancelled,
}

/// The clear part of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationFacts {
    /// Where the subscription stands.
    pub subscription: Subscription,
    /// When it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<Timestamp>,
    /// When the organisation was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How many owners it has: never none while it lives.
    #[serde(default = "one")]
    pub owners: u64,
    /// How members sign in.
    #[serde(default)]
    pub security: Security,
    /// The custom roles, few by design: they come with every request that needs them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<RoleId, Grants>,
    /// The connections to identity providers, and whether each is on: what two changes at one moment agree on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connections: BTreeMap<ConnectionId, bool>,
    /// How many domains there are, proved or not.
    #[serde(default)]
    pub domains: u64,
}

fn one() -> u64 {
    1
}

impl OrganisationFacts {
    /// A new organisation with one owner.
    pub fn new(now: Timestamp) -> Self {
        Self {
            subscription: Subscription::Trialing,
            cancelled_at: None,
            created_at: now,
            updated_at: now,
            owners: 1,
            security: Security::default(),
            roles: BTreeMap::new(),
            connections: BTreeMap::new(),
            domains: 0,
        }
    }

    /// Whether members can sign in through an identity provider.
    pub fn has_provider(&self) -> bool {
        self.connections.values().any(|enabled| *enabled)
    }
}

/// The sealed part of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationProfile {
    /// Its name.
    pub name: Line<200>,
    /// The names of its custom roles.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub role_names: BTreeMap<RoleId, Line<100>>,
}

/// From whom an organisation demands a second factor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MfaPolicy {
    /// From nobody.
    #[default]
    Optional,
    /// From owners, admins, and custom roles that can do more than work with records.
    Admins,
    /// From everyone.
    Everyone,
}

impl MfaPolicy {
    /// Its name, in policies too.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Admins => "admins",
            Self::Everyone => "everyone",
        }
    }
}

impl std::str::FromStr for MfaPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Optional, Self::Admins, Self::Everyone];
        let known = all.into_iter().find(|policy| policy.as_str() == text);
        known.ok_or_else(|| format!("unknown demand `{text}`; known: optional, admins, everyone"))
    }
}

/// How members sign in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// Who needs a second factor.
    #[serde(default)]
    pub mfa: MfaPolicy,
    /// Whether members sign in through the organisation's identity provider only; owners still can without, so that a
    /// broken provider locks nobody out for good.
    #[serde(default)]
    pub sso_only: bool,
}

/// A user in an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// What the user may do.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
    /// Since when the membership is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_at: Option<Timestamp>,
}

/// An organisation in the list of a user's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Belonging {
    /// Since when.
    pub created_at: Timestamp,
}

/// The clear part of billing details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingFacts {
    /// When they last changed.
    pub updated_at: Timestamp,
}

/// To whom invoices go (OCK-3, ITT-5). Never a card: the payment provider has that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BillingDetails {
    /// The company's or person's name on the invoice.
    pub name: Line<200>,
    /// The postal address on the invoice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Lines<500>>,
    /// ISO 3166-1 alpha-2 code of the country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Line<2>>,
    /// VAT identification number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat_number: Option<Line<20>>,
    /// The customer's own reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Line<100>>,
}

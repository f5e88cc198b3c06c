//! Organisations as they are stored.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
}

/// The sealed part of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationProfile {
    /// Its name.
    pub name: Line<200>,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, closing the organisation included.
    Owner,
    /// Everything but what only an owner may.
    Admin,
    /// Works with records.
    Member,
    /// Reads records.
    Viewer,
}

/// A user in an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// What the user may do.
    pub role: Role,
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

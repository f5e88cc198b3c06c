//! The fields of records, by kind. Those that Snipe-IT also has carry its names.

use std::str::FromStr;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::{Kind, RecordId};
use crate::email::Email;
use crate::error::Result;
use crate::text::{Line, Lines};

/// An amount in the currency's minor unit (cents, pence).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units; 1999 is 19.99 where the currency has two decimals.
    #[schemars(range(min = 0, max = 1_000_000_000_000_i64))]
    pub amount: Amount,
    /// ISO 4217 code.
    pub currency: Currency,
}

/// Minor units of a currency, not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u64")]
#[schemars(inline)]
pub struct Amount(u64);

impl TryFrom<u64> for Amount {
    type Error = String;

    fn try_from(amount: u64) -> Result<Self, String> {
        if amount > 1_000_000_000_000 {
            Err("It must be at most 1000000000000".to_owned())
        } else {
            Ok(Self(amount))
        }
    }
}

/// Three upper-case letters, as ISO 4217 has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Currency(String);

impl TryFrom<String> for Currency {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Ok(Self(text))
        } else {
            Err("It must be an ISO 4217 code such as EUR".to_owned())
        }
    }
}

impl JsonSchema for Currency {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$" })
    }
}

/// Months of warranty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16")]
pub struct Months(u16);

impl TryFrom<u16> for Months {
    type Error = String;

    fn try_from(months: u16) -> Result<Self, String> {
        if months > 600 {
            Err("It must be at most 600".to_owned())
        } else {
            Ok(Self(months))
        }
    }
}

impl JsonSchema for Months {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Months".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 0, "maximum": 600 })
    }
}

/// A registrable domain name, lower case, in ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct DomainName(String);

impl DomainName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DomainName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || "It must be a domain name such as example.com".to_owned();
        let name = idna::domain_to_ascii_strict(text.trim().trim_end_matches('.')).map_err(|_| wrong())?;
        let has_labels = name.split('.').count() >= 2 && name.split('.').all(|label| !label.is_empty());
        if has_labels && name.len() <= 253 {
            Ok(Self(name))
        } else {
            Err(wrong())
        }
    }
}

impl JsonSchema for DomainName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DomainName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "hostname", "maxLength": 253 })
    }
}

/// Where an asset is in its life (Snipe-IT's status types).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssetStatus {
    /// Ready to deploy.
    #[default]
    Ready,
    /// In somebody's hands.
    Deployed,
    /// Ordered, or in repair.
    Pending,
    /// Broken or lost.
    Undeployable,
    /// No longer in use.
    Archived,
}

impl AssetStatus {
    /// All statuses.
    pub const ALL: [Self; 5] = [
        Self::Ready,
        Self::Deployed,
        Self::Pending,
        Self::Undeployable,
        Self::Archived,
    ];

    /// The status's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Deployed => "deployed",
            Self::Pending => "pending",
            Self::Undeployable => "undeployable",
            Self::Archived => "archived",
        }
    }
}

impl FromStr for AssetStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| "It must be ready, deployed, pending, undeployable or archived".to_owned())
    }
}

/// The calendar date of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(Date);

impl JsonSchema for Day {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date" })
    }
}

/// A piece of hardware.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// The customer's own number for it; unique among the organisation's assets.
    pub asset_tag: Line<100>,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Line<200>>,
    /// The maker's number; unique among the organisation's assets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Line<200>>,
    /// The model's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Line<200>>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<Line<200>>,
    /// The sort of thing: laptop, phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Line<200>>,
    /// Where it is in its life.
    #[serde(default)]
    pub status: AssetStatus,
    /// The employee who has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<RecordId>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Line<200>>,
    /// Who sold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<Line<200>>,
    /// The number of its order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_number: Option<Line<100>>,
    /// When it was bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchase_date: Option<Day>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchase_cost: Option<Money>,
    /// Months of warranty from the purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warranty_months: Option<Months>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Lines<10_000>>,
}

/// A software licence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// The product.
    pub name: Line<200>,
    /// The key that activates it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_key: Option<Lines<2_000>>,
    /// How many may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<u32>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<Line<200>>,
    /// The name it is licensed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_name: Option<Line<200>>,
    /// The address it is licensed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_email: Option<Email>,
    /// Who sold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<Line<200>>,
    /// The number of its order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_number: Option<Line<100>>,
    /// When it was bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchase_date: Option<Day>,
    /// What it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchase_cost: Option<Money>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_date: Option<Day>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Lines<10_000>>,
}

/// A person who works for the customer. The customer is controller of these data (ITT-1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Employee {
    /// Given name.
    pub first_name: Line<200>,
    /// Family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<Line<200>>,
    /// Address at work; unique among the organisation's employees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The customer's own number for the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_num: Option<Line<100>>,
    /// What the person does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jobtitle: Option<Line<200>>,
    /// Where in the company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<Line<200>>,
    /// Where in the world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Line<200>>,
    /// Telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Line<50>>,
    /// First day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_date: Option<Day>,
    /// Last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_date: Option<Day>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Lines<10_000>>,
}

/// An internet domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// Its name; unique among the organisation's domains.
    pub domain_name: DomainName,
    /// Where it is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrar: Option<Line<200>>,
    /// When it was registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_date: Option<Day>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_date: Option<Day>,
    /// Whether it renews by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_renew: Option<bool>,
    /// Its name servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 13))]
    pub name_servers: Vec<DomainName>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Lines<10_000>>,
}

/// What is tracked, by kind. A further kind, or an organisation's own fields, is a further variant or a further member
/// here and in [`Kind`]; nothing else matches on it except [`super::rules`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Fields {
    /// An asset's fields.
    Asset(Asset),
    /// A licence's fields.
    Licence(Licence),
    /// An employee's fields.
    Employee(Employee),
    /// A domain's fields.
    Domain(Domain),
}

impl Fields {
    /// Reads the fields of a record of `kind`.
    ///
    /// # Errors
    /// All violations, each with its pointer behind `base`.
    pub fn parse(kind: Kind, value: Value, base: &str) -> Result<Self> {
        use crate::json::typed;
        Ok(match kind {
            Kind::Asset => Self::Asset(typed(value, base)?),
            Kind::Licence => Self::Licence(typed(value, base)?),
            Kind::Employee => Self::Employee(typed(value, base)?),
            Kind::Domain => Self::Domain(typed(value, base)?),
        })
    }
}

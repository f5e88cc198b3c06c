//! The manifest as TOML spells it: every key optional and with its place, so that the parser can name all that is
//! missing or wrong at once, and where.

use serde::Deserialize;
use toml::Spanned;

pub(super) type Text = Option<Spanned<String>>;
pub(super) type Texts = Option<Spanned<Vec<Spanned<String>>>>;
pub(super) type Tables<T> = Vec<Spanned<T>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawManifest {
    pub(super) version: Text,
    pub(super) effective: Text,
    pub(super) minimum_age: Option<Spanned<RawStated<i64>>>,
    pub(super) notice_days: Option<Spanned<RawStated<i64>>>,
    pub(super) notice_channels: Texts,
    pub(super) password_scheme: Option<Spanned<RawStated<String>>>,
    pub(super) backup_days: Option<Spanned<RawStated<i64>>>,
    pub(super) mfa: Option<Spanned<RawStated<String>>>,
    pub(super) operator: Option<Spanned<RawOperator>>,
    pub(super) authority: Option<Spanned<RawAuthority>>,
    #[serde(default, rename = "purpose")]
    pub(super) purposes: Tables<RawPurpose>,
    #[serde(default, rename = "category")]
    pub(super) categories: Tables<RawCategory>,
    #[serde(default, rename = "processor")]
    pub(super) processors: Tables<RawProcessor>,
    #[serde(default, rename = "cookie")]
    pub(super) cookies: Tables<RawCookie>,
}

/// A value that says beside it where it comes from.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStated<T> {
    pub(super) value: Option<Spanned<T>>,
    pub(super) promise: Text,
    pub(super) operator_choice: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOperator {
    pub(super) name: Text,
    pub(super) promises: Text,
    pub(super) country: Text,
    pub(super) contact_email: Text,
    pub(super) privacy_email: Text,
    pub(super) time_zone: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAuthority {
    pub(super) name: Text,
    pub(super) url: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPurpose {
    pub(super) id: Text,
    pub(super) description: Text,
    pub(super) lawful_bases: Texts,
    pub(super) interest: Text,
    pub(super) withdrawal: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCategory {
    pub(super) id: Text,
    pub(super) title: Text,
    pub(super) description: Text,
    pub(super) subjects: Texts,
    pub(super) role: Text,
    pub(super) classes: Texts,
    pub(super) purposes: Texts,
    pub(super) lawful_bases: Texts,
    pub(super) holds: Text,
    pub(super) on_account_deletion: Text,
    pub(super) on_organisation_deletion: Text,
    pub(super) on_cancellation: Text,
    pub(super) statutory_reason: Text,
    pub(super) retention: Option<Spanned<RawRetention>>,
    #[serde(default, rename = "item_floor")]
    pub(super) item_floors: Tables<RawItemFloor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRetention {
    pub(super) anchor: Text,
    pub(super) not_before: Option<Spanned<RawStated<String>>>,
    pub(super) not_after: Option<Spanned<RawStated<String>>>,
    pub(super) reason: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawItemFloor {
    pub(super) id: Text,
    pub(super) anchor: Text,
    pub(super) not_before: Option<Spanned<RawStated<String>>>,
    pub(super) reason: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProcessor {
    pub(super) id: Text,
    pub(super) category: Text,
    pub(super) provider: Text,
    pub(super) location: Text,
    pub(super) region: Text,
    pub(super) purpose: Text,
    pub(super) categories: Texts,
    pub(super) safeguard: Text,
    pub(super) agreement: Text,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCookie {
    pub(super) name: Text,
    pub(super) category: Text,
    pub(super) purpose: Text,
    pub(super) lifetime: Text,
}

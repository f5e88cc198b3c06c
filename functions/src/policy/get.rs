//! `GET /v1/policy`

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::policy::{Category, Cookie, Policy, Processor, Purpose};

use crate::gateway::Answer;
use crate::registry::Call;

/// The policy that is executed.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PolicyResponse {
    /// Its version; a registration accepts one.
    version: String,
    /// From which day it applies.
    effective: String,
    /// Who answers for it.
    controller: ControllerResponse,
    /// The age from which one may register.
    minimum_age: u8,
    /// How many days before a material change people are told.
    notice_days: u16,
    /// The time zone in which periods are counted.
    time_zone: String,
    /// For how many days backups are kept.
    backup_days: u16,
    /// What is kept, why, and for how long.
    categories: Vec<CategoryResponse>,
    /// What it is used for.
    purposes: Vec<PurposeResponse>,
    /// Who works on it for the controller.
    processors: Vec<ProcessorResponse>,
    /// What browsers are asked to keep.
    cookies: Vec<CookieResponse>,
}

#[derive(Serialize, JsonSchema)]
struct ControllerResponse {
    name: String,
    country: String,
    contact_email: String,
    privacy_email: String,
    supervisory_authority: String,
    complaints_url: String,
}

#[derive(Serialize, JsonSchema)]
struct CategoryResponse {
    id: String,
    title: String,
    description: String,
    subjects: Vec<String>,
    /// `controller` or `processor`.
    role: String,
    purposes: Vec<String>,
    lawful_bases: Vec<String>,
    /// The event from which the period runs.
    retention_from: String,
    /// ISO 8601 period before whose end nothing is erased by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    /// ISO 8601 period at whose end nothing is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<String>,
    reason: String,
}

#[derive(Serialize, JsonSchema)]
struct PurposeResponse {
    id: String,
    description: String,
    lawful_bases: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct ProcessorResponse {
    id: String,
    category: String,
    provider: String,
    location: String,
    purpose: String,
    safeguard: String,
    agreement: String,
}

#[derive(Serialize, JsonSchema)]
struct CookieResponse {
    name: String,
    category: String,
    purpose: String,
}

pub(crate) async fn handle(call: Call) -> Result<Answer> {
    Ok(Answer::json(200, &PolicyResponse::new(call.ctx.policy()))?.public_for(300))
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

impl PolicyResponse {
    fn new(policy: &Policy) -> Self {
        let controller = policy.controller();
        Self {
            version: policy.version().to_string(),
            effective: policy.effective().to_string(),
            controller: ControllerResponse {
                name: controller.name().to_owned(),
                country: controller.country().to_string(),
                contact_email: controller.contact_email().to_owned(),
                privacy_email: controller.privacy_email().to_owned(),
                supervisory_authority: policy.authority().name().to_owned(),
                complaints_url: policy.authority().url().to_owned(),
            },
            minimum_age: policy.minimum_age(),
            notice_days: policy.notice_days(),
            time_zone: policy.time_zone().iana_name().unwrap_or("UTC").to_owned(),
            backup_days: policy.backup_days(),
            categories: policy.categories().iter().map(CategoryResponse::new).collect(),
            purposes: policy.purposes().iter().map(PurposeResponse::new).collect(),
            processors: policy.processors().iter().map(ProcessorResponse::new).collect(),
            cookies: policy.cookies().iter().map(CookieResponse::new).collect(),
        }
    }
}

impl CategoryResponse {
    fn new(category: &Category) -> Self {
        let rule = category.rule();
        Self {
            id: category.id().to_owned(),
            title: category.title().to_owned(),
            description: category.description().to_owned(),
            subjects: category.subjects().map(str::to_owned).collect(),
            role: category.role().to_string(),
            purposes: category.purposes().map(str::to_owned).collect(),
            lawful_bases: texts(category.lawful_bases()),
            retention_from: rule.anchor().to_string(),
            not_before: rule.not_before().map(|period| period.to_string()),
            not_after: rule.not_after().map(|period| period.to_string()),
            reason: category.retention_reason().to_owned(),
        }
    }
}

impl PurposeResponse {
    fn new(purpose: &Purpose) -> Self {
        Self {
            id: purpose.id().to_owned(),
            description: purpose.description().to_owned(),
            lawful_bases: texts(purpose.lawful_bases()),
        }
    }
}

impl ProcessorResponse {
    fn new(processor: &Processor) -> Self {
        Self {
            id: processor.id().to_owned(),
            category: processor.category().to_owned(),
            provider: processor.provider().to_owned(),
            location: processor.location().to_string(),
            purpose: processor.purpose().to_owned(),
            safeguard: processor.safeguard().to_string(),
            agreement: processor.agreement().to_owned(),
        }
    }
}

impl CookieResponse {
    fn new(cookie: &Cookie) -> Self {
        Self {
            name: cookie.name().to_owned(),
            category: cookie.category().to_string(),
            purpose: cookie.purpose().to_owned(),
        }
    }
}

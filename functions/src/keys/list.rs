//! `GET /v1/service-accounts/{service_account_id}/keys`

use schemars::JsonSchema;
use serde::Serialize;
use shared::error::Result;
use shared::service_accounts::{api_keys, store};

use super::KeyResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

/// The API keys of a service account.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ListResponse {
    /// The keys, oldest first.
    data: Vec<KeyResponse>,
}

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let service = call.request.param("service_account_id")?;
    store::read(&call.member, service)?;
    let found = api_keys::list(&call.ctx, &call.member, service).await?;
    let org = call.member.permit.org();
    let data = found
        .into_iter()
        .map(|(item, used)| KeyResponse::new(org, item, used));
    Answer::json(
        200,
        &ListResponse {
            data: data.collect::<Result<_>>()?,
        },
    )
}

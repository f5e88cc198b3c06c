//! `POST /v1/imports`

use shared::error::{Error, Result, Violation};
use shared::idempotency::Idempotency;
use shared::records::model::Kind;
use shared::records::{csv, import};

use super::ImportResponse;
use crate::gateway::Answer;
use crate::registry::MemberCall;

pub(crate) async fn handle(call: MemberCall) -> Result<Answer> {
    let key = call.request.header("idempotency-key").ok_or_else(|| {
        let detail = "An import needs an Idempotency-Key: if the answer is lost, the same request finds the same import.";
        Error::Unreadable(Violation::new("Idempotency-Key", detail))
    })?;
    let key = Idempotency::parse(key)?;
    let kind = match call.request.query("kind") {
        Some("asset") => Kind::Asset,
        _ => {
            return Err(Error::invalid(
                "?kind",
                "kind is required, and assets are what can be imported: kind=asset.",
            ));
        }
    };
    let id = import::id(&call.member, key)?;
    let lines = csv::read_lines(kind, call.request.body())?;
    let import = import::run(&call.ctx, &call.member, id, kind, call.request.body(), lines).await?;
    let body = ImportResponse::new(&call.member, id, import)?;
    Ok(Answer::json(201, &body)?.location(format!("/v1/imports/{id}")))
}

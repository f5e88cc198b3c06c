//! The way of a request: limits, authentication, the handler, the answer, one line in the log.

use std::sync::Arc;

use shared::auth::{self, Member, Needs};
use shared::ctx::Ctx;
use shared::error::{Error, Result};
use shared::idempotency::Idempotency;
use shared::keys::Tenant;

use super::{Answer, Request};
use crate::registry::{Access, Call, FALLBACK_ANSWER, KeyUse, MemberCall, Route};

/// Answers one request for `route`.
pub async fn answer(
    route: &'static Route,
    ctx: Arc<Ctx>,
    raw: lambda_http::Request,
) -> http::Response<lambda_http::Body> {
    let request = Request::new(&raw, route);
    let (id, method) = (request.id.clone(), request.method.clone());
    let answer = match handle(route, ctx, request).await {
        Ok(answer) => answer,
        Err(error) => {
            if let Error::Internal(cause) | Error::Unavailable(cause) = &error {
                tracing::error!(route = route.name, request_id = %id, %cause, "a request failed");
            }
            Answer::problem(&error, &id)
        }
    };
    tracing::info!(route = route.name, request_id = %id, %method, status = answer.status(), "request");
    answer.into_response()
}

async fn handle(route: &'static Route, ctx: Arc<Ctx>, request: Request) -> Result<Answer> {
    match route.access {
        Access::Public(handler) => {
            // What no route takes is 404 or 405, whatever else is wrong with it.
            if route.name != FALLBACK_ANSWER.name {
                request.check(route)?;
            }
            handler(Call { ctx, request }).await
        }
        Access::Member {
            action,
            needs,
            handler,
        } => {
            // The limits come before the work, but say nothing before the token is known to be one.
            let claims = ctx
                .verifier
                .verify(auth::bearer(request.header("authorization"))?, ctx.now())?;
            request.check(route)?;
            let idempotency_key = idempotency_key(route, &request)?.map(str::to_owned);
            let all_needs = |tenant: Tenant, user| {
                let idempotency = idempotency_key.as_deref().map(|key| {
                    Idempotency::new(tenant, user, route.name, &request.path, key, request.body())
                });
                Ok(Needs {
                    keys: needs(tenant, user, &request)?,
                    idempotency,
                })
            };
            let (member, idempotency) = auth::member(&ctx, claims, action, all_needs).await?;
            if let Some(stored) = answered(&ctx, &member, idempotency.as_ref())? {
                return Ok(Answer::replayed(stored));
            }
            handler(MemberCall {
                ctx,
                request,
                member,
                idempotency,
            })
            .await
        }
    }
}

fn idempotency_key<'a>(route: &Route, request: &'a Request) -> Result<Option<&'a str>> {
    if route.idempotency_key != KeyUse::Optional {
        return Ok(None);
    }
    request
        .header("idempotency-key")
        .map(Idempotency::parse)
        .transpose()
}

fn answered(ctx: &Ctx, member: &Member, idempotency: Option<&Idempotency>) -> Result<Option<super::Stored>> {
    let Some(idempotency) = idempotency else {
        return Ok(None);
    };
    let data_key = member.key(shared::policy::Class::Content)?;
    idempotency.answered(member.optional(&idempotency.key), data_key, ctx.now())
}

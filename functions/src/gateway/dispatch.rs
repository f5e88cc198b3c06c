//! The way of a request: limits, authentication, the handler, the answer, one line in the log.

use std::sync::Arc;

use shared::auth::{self, COOKIE, Credential, Member, Needs};
use shared::ctx::Ctx;
use shared::error::{Error, Result};
use shared::idempotency::Idempotency;
use shared::keys::Tenant;

use super::{Answer, Request};
use crate::registry::{Access, Call, FALLBACK_ANSWER, KeyUse, MemberCall, Route, StaffCall};

/// The header in which the edge shows that a request came through it, and so through the firewall and its rate limits.
pub(super) const ORIGIN_SECRET: &str = "x-origin-secret";

/// Answers one request for `route`.
pub async fn answer(
    route: &'static Route,
    ctx: Arc<Ctx>,
    raw: lambda_http::Request,
) -> http::Response<lambda_http::Body> {
    let request = Request::new(&raw, route, &ctx.config);
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
    if !ctx.config.admits(request.header(ORIGIN_SECRET)) {
        return Err(Error::Forbidden(
            "This API is reached at its published address only.",
        ));
    }
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
            let credential = credential(&ctx, &request)?;
            request.check(route)?;
            let idempotency_key = idempotency_key(route, &request)?.map(str::to_owned);
            let all_needs = |tenant: Tenant, actor| {
                let idempotency = idempotency_key.as_deref().map(|key| {
                    Idempotency::new(tenant, actor, route.name, &request.path, key, request.body())
                });
                Ok(Needs {
                    keys: needs(tenant, actor, &request)?,
                    idempotency,
                })
            };
            let (member, idempotency) = auth::member(&ctx, &credential, action, all_needs).await?;
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
        Access::Staff {
            action,
            needs,
            handler,
        } => {
            let credential = credential(&ctx, &request)?;
            let staff = auth::staff(&ctx, &credential, action, |user| needs(user, &request)).await?;
            // To who is no staff, a request that is wrong in form is a request to nothing, too.
            request.check(route)?;
            handler(StaffCall { ctx, request, staff }).await
        }
    }
}

/// The credential of a request. The limits of the route come after it: they say nothing before the credential is known
/// to be one.
fn credential(ctx: &Ctx, request: &Request) -> Result<Credential> {
    let (header, cookie) = (request.header("authorization"), request.cookie(COOKIE));
    let credential = Credential::parse(header, cookie.as_deref(), &ctx.verifier, ctx.now())?;
    if matches!(credential, Credential::Cookie(_)) && !request.is_from_here(&ctx.config.origin) {
        return Err(Error::Forbidden(
            "A request with a cookie must come from this site.",
        ));
    }
    Ok(credential)
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

#[cfg(test)]
mod tests {
    use shared::aws::Aws;
    use shared::clock::SystemClock;
    use shared::config::Config;
    use shared::entropy::SystemEntropy;

    use super::*;
    use crate::registry::JWKS_GET;

    /// SHA-256 of `old` and of `new`.
    const HASHES: &str = "cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4,\
        11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437";

    fn ctx(hashes: &str) -> Arc<Ctx> {
        let variable = |name: &str| {
            let value = match name {
                "PROFILE" => "trackado",
                "TOKEN_PUBLIC_KEYS" => r#"{"keys":[]}"#,
                "ORIGIN_SECRET_HASHES" => hashes,
                "MAIL_CONFIGURATION_SET" | "AWS_ENDPOINT_URL" | "TLS_ROOTS" | "DNS_SERVER" => return None,
                _ => "x",
            };
            Some(value.to_owned())
        };
        let config = Config::from(&variable).unwrap();
        let aws = Aws::new(&config.aws);
        Arc::new(Ctx::new(config, aws, Arc::new(SystemClock), Arc::new(SystemEntropy)).unwrap())
    }

    async fn status(ctx: &Arc<Ctx>, secrets: &[&str]) -> u16 {
        let mut request = http::Request::new(lambda_http::Body::Empty);
        for secret in secrets {
            request
                .headers_mut()
                .append(ORIGIN_SECRET, secret.parse().unwrap());
        }
        answer(&JWKS_GET, Arc::clone(ctx), request)
            .await
            .status()
            .as_u16()
    }

    #[tokio::test]
    async fn behind_an_edge_only_requests_with_one_of_its_secrets_come_in() {
        let behind = ctx(HASHES);
        assert_eq!(status(&behind, &["old"]).await, 200);
        assert_eq!(
            status(&behind, &["new"]).await,
            200,
            "while the secret is rotated, both are good"
        );
        for secrets in [&[][..], &["other"], &[""], &["old", "old"], &["old", "other"]] {
            assert_eq!(status(&behind, secrets).await, 403, "{secrets:?}");
        }
        let open = ctx("");
        assert_eq!(status(&open, &[]).await, 200);
        assert_eq!(status(&open, &["anything"]).await, 200);
    }
}

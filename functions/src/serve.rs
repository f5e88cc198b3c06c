//! The Lambda runtime around a route or a task.
//!
//! Neither function is generic: what a binary adds is one line, so a hundred binaries stay cheap to build.

use std::process::ExitCode;
use std::sync::Arc;

use jiff::SignedDuration;
use lambda_http::Body;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::request::LambdaRequest;
use lambda_runtime::{Diagnostic, Error as RuntimeError, LambdaEvent};
use serde::Serialize;
use serde_json::Value;
use shared::aws::Aws;
use shared::clock::SystemClock;
use shared::config::Config;
use shared::ctx::Ctx;
use shared::entropy::SystemEntropy;
use shared::error::{Error, Result};
use shared::task::Deadline;

use crate::registry::{Route, Task};

/// Time that a task leaves unused at the end, so that it is never cut off.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// Serves a route until Lambda ends the container.
///
/// `lambda_http::run` would also turn answers of any kind and character set into events, which costs a cold start and
/// every binary the tables of all character sets. Answers here are text in UTF-8.
pub fn serve(route: &'static Route) -> ExitCode {
    start(move |ctx| {
        Box::pin(lambda_runtime::run(lambda_runtime::service_fn(
            move |event: LambdaEvent<LambdaRequest>| {
                let ctx = Arc::clone(&ctx);
                async move {
                    let answer = crate::gateway::answer(route, ctx, event.payload.into()).await;
                    Ok::<_, std::convert::Infallible>(event_of(answer))
                }
            },
        )))
    })
}

/// An answer in the form that API Gateway takes (payload version 2.0).
fn event_of(answer: http::Response<Body>) -> ApiGatewayV2httpResponse {
    let (parts, body) = answer.into_parts();
    let mut event = ApiGatewayV2httpResponse::default();
    event.status_code = parts.status.as_u16().into();
    let mut headers = parts.headers;
    // API Gateway takes cookies apart from the other headers, which it wants one of each name.
    if let http::header::Entry::Occupied(cookies) = headers.entry(http::header::SET_COOKIE) {
        let (_, values) = cookies.remove_entry_mult();
        event.cookies = values
            .filter_map(|value| value.to_str().ok().map(str::to_owned))
            .collect();
    }
    event.headers = headers;
    event.body = Some(body);
    event
}

/// Serves a task until Lambda ends the container.
pub fn serve_task(task: &'static Task) -> ExitCode {
    start(move |ctx| {
        Box::pin(lambda_runtime::run(lambda_runtime::service_fn(
            move |event: LambdaEvent<Value>| {
                let ctx = Arc::clone(&ctx);
                async move { run(task, ctx, event).await }
            },
        )))
    })
}

async fn run(task: &'static Task, ctx: Arc<Ctx>, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let remaining = event
        .context
        .deadline()
        .duration_since(std::time::SystemTime::from(ctx.now()));
    let remaining = SignedDuration::try_from(remaining.unwrap_or_default()).unwrap_or(SignedDuration::ZERO);
    let deadline = Deadline::after(Arc::clone(&ctx.clock), remaining.saturating_sub(MARGIN));
    match (task.handler)(Arc::clone(&ctx), event.payload, deadline).await {
        Ok(report) => {
            tracing::info!(task = task.name, %report, "task");
            crate::metrics::emit(task.name, ctx.config.profile, ctx.now(), &report);
            Ok(report)
        }
        Err(error) => {
            tracing::error!(task = task.name, %error, "a task failed");
            Err(Diagnostic {
                error_type: "TaskFailed".to_owned(),
                error_message: error.to_string(),
            })
        }
    }
}

type Serving = std::pin::Pin<Box<dyn Future<Output = Result<(), RuntimeError>>>>;

fn start(serving: impl FnOnce(Arc<Ctx>) -> Serving) -> ExitCode {
    tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::INFO)
        .with_current_span(false)
        .init();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    let ctx = match context() {
        Ok(ctx) => ctx,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(serving(Arc::new(ctx))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn context() -> Result<Ctx> {
    let config = Config::from_environment().map_err(Error::internal)?;
    let aws = Aws::new(&config.aws);
    Ctx::new(config, aws, Arc::new(SystemClock), Arc::new(SystemEntropy))
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    tracing::error!(%error, "the function cannot run");
    ExitCode::FAILURE
}

/// A task's report as its result.
///
/// # Errors
/// Only when it does not encode.
pub(crate) fn report(report: &impl Serialize) -> Result<Value> {
    serde_json::to_value(report)
        .map_err(|error| Error::internal(format!("a report does not encode: {error}")))
}

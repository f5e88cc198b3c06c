use std::sync::Arc;

use axum::body::Body;
use http_body_util::BodyExt as _;
use shared::clock::ManualClock;
use shared::policy::Profile;
use tower::ServiceExt as _;

use super::*;
use crate::{Clocks, Options, Stack, Storage};

async fn stack() -> (Stack, Router) {
    let clock = Arc::new(ManualClock::new("2026-11-05T12:00:00Z".parse().unwrap()));
    let options = Options {
        profile: Profile::Trackado,
        storage: Storage::Memory,
        clock: Clocks::Manual(clock),
        port: None,
        enforce_policies: false,
        schedules: false,
    };
    let stack = Stack::start(options).await.unwrap();
    let router = router(stack.machine());
    (stack, router)
}

async fn ask(router: &Router, request: http::request::Builder, body: &'static str) -> (StatusCode, String) {
    let response = router
        .clone()
        .oneshot(request.body(Body::from(body)).unwrap())
        .await
        .unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn to(method: &str, path: &str) -> http::request::Builder {
    http::Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost:8787")
}

#[tokio::test]
async fn the_clock_moves_ahead_by_calendar_periods_and_to_instants_and_never_back() {
    let (stack, router) = stack().await;
    let (status, body) = ask(&router, to("POST", "/_local/clock"), r#"{"advance":"P18M"}"#).await;
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(&body).unwrap();
    // Noon in winter is eleven o'clock UTC in summer time.
    let expected = stack.instant_after(Span::new()).unwrap().to_string();
    assert_eq!(answer["now"], expected);
    assert!(expected.starts_with("2028-05-05T1"), "{expected}");
    let (status, body) = ask(
        &router,
        to("POST", "/_local/clock"),
        r#"{"set":"2028-05-05T00:00:00Z"}"#,
    )
    .await;
    assert_eq!(status, 422);
    assert!(body.contains("only goes forward"), "{body}");
    let (status, _) = ask(
        &router,
        to("POST", "/_local/clock"),
        r#"{"set":"2028-06-01T00:00:00Z"}"#,
    )
    .await;
    assert_eq!(
        (status, stack.now().to_string().as_str()),
        (StatusCode::OK, "2028-06-01T00:00:00Z")
    );
    for wrong in [
        r#"{"advance":"18 apples"}"#,
        r#"{"advance":"-P1D"}"#,
        "{}",
        "[",
        r#"{"set":"noon"}"#,
    ] {
        let (status, body) = ask(&router, to("POST", "/_local/clock"), wrong).await;
        assert_eq!(status, 422, "{wrong}: {body}");
    }
    assert_eq!(stack.now().to_string(), "2028-06-01T00:00:00Z");
}

#[tokio::test]
async fn the_pages_buttons_move_the_clock_and_lead_back_to_the_page() {
    let (stack, router) = stack().await;
    let form = to("POST", "/_local/clock")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", "http://localhost:8787");
    let (status, _) = ask(&router, form, "advance=PT1H").await;
    assert_eq!(
        (status, stack.now().to_string().as_str()),
        (StatusCode::SEE_OTHER, "2026-11-05T13:00:00Z")
    );
    let (status, page) = ask(&router, to("GET", "/_local"), "").await;
    assert_eq!(status, 200);
    assert!(
        page.contains("trackado") && page.contains("/_mailbox") && !page.contains("<script"),
        "{page}"
    );
}

#[tokio::test]
async fn foreign_names_and_foreign_pages_are_refused() {
    let (stack, router) = stack().await;
    let before = stack.now();
    let body = r#"{"advance":"P1D"}"#;
    let rebound = http::Request::post("/_local/clock").header("host", "evil.example");
    assert_eq!(ask(&router, rebound, body).await.0, 403);
    for origin in [
        "http://evil.example",
        "http://localhost:3000",
        "null",
        "https://localhost:8787",
    ] {
        let foreign = to("POST", "/_local/clock").header("origin", origin);
        assert_eq!(ask(&router, foreign, body).await.0, 403, "{origin}");
    }
    assert_eq!(stack.now(), before);
}

#[tokio::test]
async fn tasks_run_by_hand_and_unknown_ones_are_not_there() {
    let (_stack, router) = stack().await;
    let (status, body) = ask(&router, to("POST", "/_local/tasks/retention-plan"), "").await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("\"erased\":0"), "{body}");
    assert_eq!(
        ask(&router, to("POST", "/_local/tasks/records-create"), "")
            .await
            .0,
        404
    );
    assert_eq!(
        ask(&router, to("POST", "/_local/tasks/retention-plan"), "{")
            .await
            .0,
        400
    );
    let (status, usage) = ask(&router, to("GET", "/_local/usage"), "").await;
    assert_eq!(status, 200);
    assert!(usage.contains("RetentionPlanFunction"), "{usage}");
}

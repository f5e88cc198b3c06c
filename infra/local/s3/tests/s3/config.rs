use aws_sdk_s3::types::{CorsConfiguration, CorsRule, PublicAccessBlockConfiguration};
use bytes::Bytes;
use http::{Method, Request, StatusCode};

use crate::client::{PLAIN, code, fresh, raw};

#[tokio::test]
async fn configurations_come_back_as_they_were_given() {
    let (_, client) = fresh(PLAIN);
    assert_eq!(
        code(client.get_public_access_block().bucket("files").send().await),
        "NoSuchPublicAccessBlockConfiguration"
    );
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .restrict_public_buckets(true);
    let block = block.build();
    let set = client.put_public_access_block().bucket("files");
    set.public_access_block_configuration(block.clone())
        .send()
        .await
        .unwrap();
    let kept = client
        .get_public_access_block()
        .bucket("files")
        .send()
        .await
        .unwrap();
    assert_eq!(kept.public_access_block_configuration(), Some(&block));
    client
        .delete_public_access_block()
        .bucket("files")
        .send()
        .await
        .unwrap();

    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    client
        .put_bucket_policy()
        .bucket("files")
        .policy(policy)
        .send()
        .await
        .unwrap();
    assert_eq!(
        client
            .get_bucket_policy()
            .bucket("files")
            .send()
            .await
            .unwrap()
            .policy(),
        Some(policy)
    );
    assert_eq!(
        code(
            client
                .put_bucket_policy()
                .bucket("files")
                .policy("{")
                .send()
                .await
        ),
        "MalformedPolicy"
    );

    for missing in [
        code(
            client
                .get_bucket_lifecycle_configuration()
                .bucket("files")
                .send()
                .await,
        ),
        code(client.get_bucket_cors().bucket("files").send().await),
        code(client.get_bucket_encryption().bucket("files").send().await),
        code(client.get_bucket_tagging().bucket("files").send().await),
    ] {
        assert!(
            missing.starts_with("NoSuch") || missing.ends_with("NotFoundError"),
            "{missing}"
        );
    }
    assert_eq!(
        code(client.get_bucket_cors().bucket("nowhere").send().await),
        "NoSuchBucket"
    );
}

#[tokio::test]
async fn a_preflight_is_answered_for_configured_origins_only() {
    let (store, client) = fresh(PLAIN);
    let rule = CorsRule::builder()
        .allowed_methods("GET")
        .allowed_methods("PUT")
        .allowed_headers("*");
    let rule = rule
        .allowed_origins("http://app.test")
        .expose_headers("ETag")
        .max_age_seconds(60)
        .build()
        .unwrap();
    let wanted = CorsConfiguration::builder()
        .cors_rules(rule.clone())
        .build()
        .unwrap();
    client
        .put_bucket_cors()
        .bucket("files")
        .cors_configuration(wanted)
        .send()
        .await
        .unwrap();
    assert_eq!(
        client
            .get_bucket_cors()
            .bucket("files")
            .send()
            .await
            .unwrap()
            .cors_rules(),
        [rule]
    );

    let ask = |origin: &str, method: &str| {
        let request = Request::builder()
            .method(Method::OPTIONS)
            .uri("http://s3.local.test/files/x");
        let request = request
            .header("origin", origin)
            .header("access-control-request-method", method);
        request
            .header("access-control-request-headers", "content-type")
            .body(Bytes::new())
            .unwrap()
    };
    let allowed = raw(&store, ask("http://app.test", "PUT")).await;
    assert_eq!(allowed.status(), StatusCode::OK);
    assert_eq!(
        allowed.headers()["access-control-allow-origin"],
        "http://app.test"
    );
    assert_eq!(allowed.headers()["access-control-allow-headers"], "content-type");
    assert_eq!(
        raw(&store, ask("http://app.test", "DELETE")).await.status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        raw(&store, ask("http://evil.test", "PUT")).await.status(),
        StatusCode::FORBIDDEN
    );

    let read = Request::builder()
        .uri("http://s3.local.test/files/x")
        .header("origin", "http://app.test");
    let refused = raw(&store, read.body(Bytes::new()).unwrap()).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(refused.headers()["access-control-expose-headers"], "ETag");
}

use super::*;

const KEY_ARN: &str = "arn:aws:kms:eu-west-2:000000000000:key/1";

fn s3(request: http::request::Builder, body: &'static str) -> Result<Vec<AwsCall>, String> {
    let key_arn = |named: Option<&str>, _: Option<&[u8]>| {
        (named == Some("alias/trackwell-data")).then(|| KEY_ARN.to_owned())
    };
    calls(
        &request.body(Bytes::from_static(body.as_bytes())).unwrap(),
        &key_arn,
    )
}

fn lines(calls: Result<Vec<AwsCall>, String>) -> Vec<String> {
    calls
        .unwrap()
        .iter()
        .map(|call| format!("{} {}", call.action, call.resource))
        .collect()
}

#[test]
fn objects_are_named_by_bucket_and_decoded_key() {
    let cases = [
        (
            Request::get("/files/org_1/a%20b%2Fc+d?x-id=GetObject"),
            "s3:GetObject files/org_1/a b/c+d",
        ),
        (Request::head("/files/a"), "s3:GetObject files/a"),
        (
            Request::get("/files/a?versionId=v1&partNumber=1"),
            "s3:GetObjectVersion files/a",
        ),
        (
            Request::get("/files/a?X-Amz-Signature=f&X-Amz-Expires=9&response-content-type=x"),
            "s3:GetObject files/a",
        ),
        (Request::put("/files/a?x-id=PutObject"), "s3:PutObject files/a"),
        (Request::delete("/files/a"), "s3:DeleteObject files/a"),
        (
            Request::delete("/files/a?versionId=null"),
            "s3:DeleteObjectVersion files/a",
        ),
        (
            Request::get("/files?list-type=2&prefix=org_1%2F"),
            "s3:ListBucket files",
        ),
        (
            Request::get("/files/?versions&prefix=a"),
            "s3:ListBucketVersions files",
        ),
        (Request::head("/files"), "s3:ListBucket files"),
        (Request::get("/files/a?tagging"), "s3:GetObjectTagging files/a"),
    ];
    for (request, expected) in cases {
        let uri = request.uri_ref().unwrap().to_string();
        let (action, path) = expected.split_once(' ').unwrap();
        let calls = s3(request, "").unwrap();
        let found: Vec<_> = calls
            .iter()
            .map(|call| (call.action.as_str(), call.resource.as_str()))
            .collect();
        assert_eq!(
            found,
            [(action, format!("arn:aws:s3:::{path}").as_str())],
            "{uri}"
        );
    }
    let listed = s3(Request::get("/files?list-type=2&prefix=org_1%2F"), "").unwrap();
    assert_eq!(listed[0].prefix.as_deref(), Some("org_1/"));
}

#[test]
fn a_batch_of_deletions_asks_for_every_key_and_version() {
    let body = "<?xml version=\"1.0\"?><Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
        <Object><Key>a&amp;b/c</Key></Object><Object><Key>d e</Key><VersionId>v1</VersionId></Object>\
        <Quiet>true</Quiet></Delete>";
    let calls = s3(Request::post("/files?delete&x-id=DeleteObjects"), body);
    let expected = [
        "s3:DeleteObject arn:aws:s3:::files/a&b/c",
        "s3:DeleteObjectVersion arn:aws:s3:::files/d e",
    ];
    assert_eq!(lines(calls), expected);
    let bypass = Request::post("/files?delete").header("x-amz-bypass-governance-retention", "true");
    assert_eq!(s3(bypass, body).unwrap().len(), 4);
    for wrong in [
        "",
        "<Delete/>",
        "<Delete><Object/></Delete>",
        "<Delete><Object><Key>a</Delete>",
    ] {
        assert!(s3(Request::post("/files?delete"), wrong).is_err(), "{wrong}");
    }
}

#[test]
fn writing_asks_for_everything_that_the_headers_do_along_with_it() {
    let request = Request::put("/files/a")
        .header("x-amz-copy-source", "/ledger/b%20c?versionId=v1")
        .header("x-amz-tagging", "a=b")
        .header("x-amz-object-lock-mode", "COMPLIANCE")
        .header("x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00Z")
        .header("x-amz-server-side-encryption", "aws:kms")
        .header(
            "x-amz-server-side-encryption-aws-kms-key-id",
            "alias/trackwell-data",
        );
    let expected = [
        "s3:PutObject arn:aws:s3:::files/a".to_owned(),
        "s3:PutObjectTagging arn:aws:s3:::files/a".to_owned(),
        "s3:PutObjectRetention arn:aws:s3:::files/a".to_owned(),
        "s3:GetObjectVersion arn:aws:s3:::ledger/b c".to_owned(),
        format!("kms:GenerateDataKey {KEY_ARN}"),
    ];
    assert_eq!(lines(s3(request, "")), expected);
    assert!(
        s3(
            Request::put("/files/a").header("x-amz-copy-source", "nonsense"),
            ""
        )
        .is_err()
    );
    assert!(
        s3(
            Request::put("/files/a").header("x-amz-server-side-encryption", "aws:kms"),
            ""
        )
        .is_err()
    );
}

#[test]
fn s3_requests_that_are_not_known_are_errors() {
    let wrong = [
        Request::get("/"),
        Request::put("/files"),
        Request::delete("/files"),
        Request::get("/files?policy"),
        Request::put("/files?versioning"),
        Request::get("/files/a?acl"),
        Request::put("/files/a?retention"),
        Request::put("/files/a?partNumber=1&uploadId=u"),
        Request::put("/files/a?versionId=v"),
        Request::post("/files/a?uploads"),
        Request::get("/files/a?versionId=v&versionId=w"),
        Request::get("/Files/a"),
        Request::get("/files/%ff"),
    ];
    for request in wrong {
        let uri = request.uri_ref().unwrap().to_string();
        assert!(s3(request, "").is_err(), "{uri}");
    }
}

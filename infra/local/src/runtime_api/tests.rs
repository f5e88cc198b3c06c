use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::*;

const RUNTIME: &str = "/2018-06-01/runtime";

fn deadline(within: Duration) -> Deadline {
    Deadline::after("2026-11-22T10:00:00Z".parse().unwrap(), within)
}

fn soon() -> Deadline {
    deadline(Duration::from_secs(30))
}

/// What a Lambda binary does, without the binary.
struct Client {
    connection: SendRequest<Full<Bytes>>,
}

impl Client {
    async fn connect(api: &RuntimeApi) -> Self {
        let stream = TcpStream::connect(api.address()).await.unwrap();
        let (connection, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(driver);
        Self { connection }
    }

    async fn send(&mut self, request: http::Request<Full<Bytes>>) -> (StatusCode, HeaderMap, Value) {
        let response = self.connection.send_request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (
            parts.status,
            parts.headers,
            serde_json::from_slice(&bytes).unwrap_or_default(),
        )
    }

    async fn next(&mut self) -> (String, HeaderMap, Value) {
        let request = http::Request::get(format!("{RUNTIME}/invocation/next")).header("host", "api");
        let (status, headers, event) = self.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(status, StatusCode::OK);
        let id = headers["lambda-runtime-aws-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        (id, headers, event)
    }

    async fn post(&mut self, path: &str, body: &'static str) -> StatusCode {
        let request = http::Request::post(format!("{RUNTIME}/{path}")).header("host", "api");
        self.send(request.body(Full::from(body)).unwrap()).await.0
    }
}

#[tokio::test]
async fn an_event_reaches_the_function_and_its_answer_the_caller() {
    let api = RuntimeApi::start_for("records-create").await.unwrap();
    assert!(api.address().ip().is_loopback());
    let mut client = Client::connect(&api).await;
    let function = async {
        let (id, headers, event) = client.next().await;
        assert_eq!(event, json!({ "n": 1 }));
        // 2026-11-22T10:00:30Z.
        assert_eq!(headers["lambda-runtime-deadline-ms"], "1795341630000");
        let arn = headers["lambda-runtime-invoked-function-arn"].to_str().unwrap();
        assert!(
            arn.starts_with("arn:aws:lambda:") && arn.ends_with(":function:records-create"),
            "{arn}"
        );
        let status = client
            .post(&format!("invocation/{id}/response"), r#"{"ok":true}"#)
            .await;
        assert_eq!(status, StatusCode::ACCEPTED);
    };
    let (answer, ()) = tokio::join!(api.invoke(json!({ "n": 1 }), soon()), function);
    assert_eq!(answer, Ok(json!({ "ok": true })));
}

#[tokio::test]
async fn events_wait_their_turn_and_answers_find_their_caller() {
    let api = RuntimeApi::start().await.unwrap();
    let mut client = Client::connect(&api).await;
    let function = async {
        let (first, _, one) = client.next().await;
        let (second, _, two) = client.next().await;
        assert_eq!((one, two), (json!(1), json!(2)));
        assert_ne!(first, second);
        client.post(&format!("invocation/{second}/response"), "20").await;
        client.post(&format!("invocation/{first}/response"), "10").await;
    };
    let (one, two, ()) = tokio::join!(
        api.invoke(json!(1), soon()),
        api.invoke(json!(2), soon()),
        function
    );
    assert_eq!((one, two), (Ok(json!(10)), Ok(json!(20))));
}

#[tokio::test]
async fn an_error_of_the_function_is_the_callers_error() {
    let api = RuntimeApi::start().await.unwrap();
    let mut client = Client::connect(&api).await;
    let function = async {
        let (id, _, _) = client.next().await;
        let body = r#"{"errorType":"Broken","errorMessage":"no table"}"#;
        assert_eq!(
            client.post(&format!("invocation/{id}/error"), body).await,
            StatusCode::ACCEPTED
        );
        let (id, _, _) = client.next().await;
        assert_eq!(
            client.post(&format!("invocation/{id}/response"), "{").await,
            StatusCode::ACCEPTED
        );
    };
    let calls = async {
        let failed = api.invoke(json!({}), soon()).await.unwrap_err();
        let expected = InvokeError::Function {
            error_type: "Broken".to_owned(),
            message: "no table".to_owned(),
        };
        assert_eq!(failed, expected);
        assert_eq!(failed.to_string(), "the function failed: Broken: no table");
        let garbled = api.invoke(json!({}), soon()).await.unwrap_err();
        assert!(matches!(garbled, InvokeError::NotJson(_)), "{garbled}");
    };
    tokio::join!(calls, function);
}

#[tokio::test]
async fn a_function_that_cannot_start_fails_what_waits_and_what_comes_later() {
    let api = RuntimeApi::start().await.unwrap();
    let mut client = Client::connect(&api).await;
    let body = r#"{"errorType":"Config","errorMessage":"CORE_TABLE is missing"}"#;
    let (waiting, status) = tokio::join!(api.invoke(json!({}), soon()), client.post("init/error", body));
    let expected = InvokeError::Init {
        error_type: "Config".to_owned(),
        message: "CORE_TABLE is missing".to_owned(),
    };
    assert_eq!((waiting, status), (Err(expected.clone()), StatusCode::ACCEPTED));
    assert_eq!(api.invoke(json!({}), soon()).await, Err(expected));
}

#[tokio::test]
async fn an_answer_after_the_deadline_is_refused_and_the_next_event_is_served() {
    let api = RuntimeApi::start().await.unwrap();
    let mut client = Client::connect(&api).await;
    // This one times out in the queue, so the function never sees it.
    let unseen = api.invoke(json!("unseen"), deadline(Duration::ZERO)).await;
    assert_eq!(unseen, Err(InvokeError::TimedOut));
    let (late, (id, _, event)) = tokio::join!(
        api.invoke(json!("late"), deadline(Duration::from_millis(300))),
        client.next()
    );
    assert_eq!((late, event), (Err(InvokeError::TimedOut), json!("late")));
    let status = client.post(&format!("invocation/{id}/response"), "1").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(
        client.post("invocation/unheard-of/response", "1").await,
        StatusCode::BAD_REQUEST
    );
    let function = async {
        let (id, _, event) = client.next().await;
        assert_eq!(event, json!("next"));
        client.post(&format!("invocation/{id}/response"), "2").await
    };
    let (answer, status) = tokio::join!(api.invoke(json!("next"), soon()), function);
    assert_eq!((answer, status), (Ok(json!(2)), StatusCode::ACCEPTED));
}

#[cfg(unix)]
mod processes {
    use super::*;

    /// Another process writes the script: while a file is open for writing in this one, a test that starts a process at
    /// the same moment hands it on, and the script is then too busy to be run.
    fn script(dir: &std::path::Path, text: &str) -> std::path::PathBuf {
        let path = dir.join("bootstrap");
        let command = "printf %s \"$1\" > \"$2\" && chmod 700 \"$2\"";
        let mut shell = std::process::Command::new("sh");
        assert!(
            shell
                .args(["-c", command, "sh", text])
                .arg(&path)
                .status()
                .unwrap()
                .success()
        );
        path
    }

    #[tokio::test]
    async fn a_process_gets_lambdas_environment_and_nothing_of_ours() {
        let dir = tempfile::tempdir().unwrap();
        let api = RuntimeApi::start_for("records-get").await.unwrap();
        let binary = script(dir.path(), "#!/bin/sh\nenv\necho \"to stderr\" >&2\nexit 3\n");
        let environment = HashMap::from([("CORE_TABLE".to_owned(), "core".to_owned())]);
        let process = Bootstrap::spawn(&binary, &environment, &api).unwrap();
        let error = api.invoke(json!({}), soon()).await.unwrap_err();
        assert!(
            matches!(&error, InvokeError::Exited(how) if how.contains('3')),
            "{error}"
        );
        let output = process.output();
        let has = |line: &str| output.iter().any(|found| found == line);
        assert!(
            has(&format!("AWS_LAMBDA_RUNTIME_API={}", api.address())),
            "{output:?}"
        );
        assert!(
            has("AWS_LAMBDA_FUNCTION_NAME=records-get") && has("_HANDLER=bootstrap"),
            "{output:?}"
        );
        assert!(has("CORE_TABLE=core") && has("to stderr"), "{output:?}");
        assert!(
            !output
                .iter()
                .any(|line| line.starts_with("HOME=") || line.starts_with("CARGO")),
            "{output:?}"
        );
    }

    #[tokio::test]
    async fn a_process_is_killed_when_its_value_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let api = RuntimeApi::start().await.unwrap();
        // The process writes its own id and then waits for an end of input that only its end brings.
        let fifo = dir.path().join("fifo");
        let text = format!(
            "#!/bin/sh\nmkfifo {0}\necho ready\nexec cat {0}\n",
            fifo.display()
        );
        let process = Bootstrap::spawn(&script(dir.path(), &text), &HashMap::new(), &api).unwrap();
        let id = process.process_id().unwrap();
        while process.output() != ["ready"] {
            tokio::task::yield_now().await;
        }
        let stat = format!("/proc/{id}/stat");
        let is_running = || {
            let stat = std::fs::read_to_string(&stat).unwrap_or_default();
            stat.rsplit_once(") ")
                .is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
        };
        if cfg!(target_os = "linux") {
            assert!(is_running());
        }
        drop(process);
        let killed = async {
            while is_running() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), killed)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_binary_that_is_not_there_is_an_error() {
        let api = RuntimeApi::start().await.unwrap();
        let missing = std::path::Path::new("/nonexistent/bootstrap");
        let error = Bootstrap::spawn(missing, &HashMap::new(), &api).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use local_s3::{Store, StoreError};

use crate::client::{VERSIONED, at_rest, client, get, put};

const DIRECTORY: &str = "LOCAL_S3_TEST_DIRECTORY";

fn open(dir: &Path) -> Store {
    let store = Store::open(dir).unwrap();
    store.create_bucket("files", VERSIONED).unwrap();
    store
}

#[tokio::test]
async fn a_reopened_store_has_everything_it_had() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let first = put(&client(&store), "k", "1").await.unwrap();
    put(&client(&store), "k", "2").await;
    drop(store);
    let store = open(dir.path());
    assert_eq!(get(&client(&store), "k").await.unwrap(), "2");
    let next = put(&client(&store), "k", "3").await.unwrap();
    assert!(next > first);
}

#[tokio::test]
async fn a_store_is_open_only_once_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    assert!(matches!(Store::open(dir.path()), Err(StoreError::InUse)));
    drop(store);
    open(dir.path());
}

#[tokio::test]
async fn what_was_deleted_is_in_no_file_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let client = client(&store);
    for i in 0..20 {
        let sent = client.put_object().bucket("files").key(format!("canary-key-{i}"));
        let sent = sent
            .body(format!("canary-body-{i}").into_bytes().into())
            .metadata("m", "canary-meta");
        let version = sent.send().await.unwrap().version_id.unwrap();
        let delete = client
            .delete_object()
            .bucket("files")
            .key(format!("canary-key-{i}"));
        delete.version_id(version).send().await.unwrap();
    }
    assert!(!at_rest(&store, "canary-"));
}

#[tokio::test]
async fn leftovers_of_unfinished_writes_are_swept_when_opening() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    put(&client(&store), "k", "1").await;
    drop(store);
    std::fs::write(dir.path().join("blobs/0123"), "canary-orphan").unwrap();
    std::fs::write(dir.path().join("incoming/4567"), "canary-torn").unwrap();
    let store = open(dir.path());
    assert!(!at_rest(&store, "canary-"));
    assert_eq!(get(&client(&store), "k").await.unwrap(), "1");
}

/// Not a test by itself: the process that the next test kills. Reports every write that was answered.
#[tokio::test]
#[ignore = "runs as the child process of another test"]
async fn write_until_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let store = open(Path::new(&directory));
    let client = client(&store);
    for i in 0.. {
        put(&client, &format!("k{}", i % 7), &format!("body {i}")).await;
        writeln!(std::io::stderr(), "stored {i}").unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_loses_no_write_that_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..=2_u32 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "durability::write_until_killed",
                "--ignored",
                "--nocapture",
            ])
            .env(DIRECTORY, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let wanted = format!("stored {}", 20 * round);
        let stored = lines
            .by_ref()
            .filter(|line| line.starts_with("stored "))
            .take_while(|line| *line != wanted);
        let answered = stored.count() as u32;
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(answered, 20 * round);
        let store = open(dir.path());
        let client = client(&store);
        for i in answered - 7..answered {
            let found = get(&client, &format!("k{}", i % 7)).await.unwrap();
            let number: u32 = found.strip_prefix("body ").unwrap().parse().unwrap();
            // The child went on writing until the signal reached it.
            assert!(number >= i && number % 7 == i % 7, "{found} instead of {i}");
        }
        let listed = client
            .list_object_versions()
            .bucket("files")
            .send()
            .await
            .unwrap();
        for version in listed.versions() {
            let read = client.get_object().bucket("files").key(version.key().unwrap());
            let read = read
                .version_id(version.version_id().unwrap())
                .send()
                .await
                .unwrap();
            assert_eq!(
                read.body.collect().await.unwrap().into_bytes().len() as i64,
                version.size().unwrap()
            );
        }
        let blobs = std::fs::read_dir(dir.path().join("blobs")).unwrap().count();
        assert_eq!(blobs, listed.versions().len());
    }
}

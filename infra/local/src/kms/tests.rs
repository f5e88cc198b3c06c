use super::*;

async fn ask(kms: &Kms, operation: &str, body: Value) -> (StatusCode, Value) {
    let request = Request::post("/")
        .header("x-amz-target", format!("TrentService.{operation}"))
        .body(Bytes::from(body.to_string()))
        .unwrap();
    let response = kms.call(request).await;
    assert_eq!(response.headers()["content-type"], "application/x-amz-json-1.1");
    (
        response.status(),
        serde_json::from_slice(response.body()).unwrap(),
    )
}

async fn refused(kms: &Kms, operation: &str, body: Value) -> String {
    let (status, answer) = ask(kms, operation, body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    assert!(
        answer["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty()),
        "{answer}"
    );
    answer["__type"].as_str().unwrap().to_owned()
}

async fn encrypted(kms: &Kms, alias: &str) -> String {
    let body = json!({
        "KeyId": alias, "Plaintext": BASE64.encode("root key"), "EncryptionContext": { "use": "seal", "v": "1" },
    });
    let (status, answer) = ask(kms, "Encrypt", body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(answer["KeyId"].as_str(), kms.key_arn(alias).as_deref());
    answer["CiphertextBlob"].as_str().unwrap().to_owned()
}

fn right_context() -> Value {
    json!({ "v": "1", "use": "seal" })
}

#[tokio::test]
async fn what_was_encrypted_decrypts_with_and_without_naming_the_key() {
    let kms = Kms::in_memory().unwrap();
    let blob = encrypted(&kms, "alias/trackwell-data").await;
    let arn = kms.key_arn("alias/trackwell-data").unwrap();
    assert!(
        arn.starts_with("arn:aws:kms:eu-west-2:000000000000:key/"),
        "{arn}"
    );
    let id = arn.rsplit('/').next().unwrap().to_owned();
    let alias_arn = "arn:aws:kms:eu-west-2:000000000000:alias/trackwell-data".to_owned();
    let names = [
        Value::Null,
        "alias/trackwell-data".into(),
        arn.clone().into(),
        id.into(),
        alias_arn.into(),
    ];
    for name in names {
        let mut body = json!({ "CiphertextBlob": blob, "EncryptionContext": right_context() });
        if !name.is_null() {
            body["KeyId"] = name;
        }
        let (status, answer) = ask(&kms, "Decrypt", body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(answer["Plaintext"], BASE64.encode("root key"));
        assert_eq!(answer["KeyId"], arn);
    }
    assert!(
        !BASE64
            .decode(blob)
            .unwrap()
            .windows(8)
            .any(|window| window == b"root key")
    );
}

#[tokio::test]
async fn a_wrong_context_or_a_changed_byte_is_an_invalid_ciphertext() {
    let kms = Kms::in_memory().unwrap();
    let blob = encrypted(&kms, "alias/trackwell-data").await;
    let contexts = [
        json!({}),
        json!({ "use": "seal" }),
        json!({ "use": "seal", "v": "2" }),
        json!({ "use": "seal", "v": "1", "more": "" }),
        json!({ "usesealv": "1" }),
    ];
    for context in contexts {
        let body = json!({ "CiphertextBlob": blob, "EncryptionContext": context });
        assert_eq!(
            refused(&kms, "Decrypt", body).await,
            "InvalidCiphertextException",
            "{context}"
        );
    }
    let bytes = BASE64.decode(&blob).unwrap();
    for position in 0..bytes.len() {
        let mut garbled = bytes.clone();
        garbled[position] ^= 1;
        let body = json!({ "CiphertextBlob": BASE64.encode(garbled), "EncryptionContext": right_context() });
        assert_eq!(
            refused(&kms, "Decrypt", body).await,
            "InvalidCiphertextException",
            "byte {position}"
        );
    }
    for length in [0, 1, 16, 17, 29, bytes.len() - 1] {
        let body = json!({
            "CiphertextBlob": BASE64.encode(&bytes[..length]), "EncryptionContext": right_context(),
        });
        assert_eq!(
            refused(&kms, "Decrypt", body).await,
            "InvalidCiphertextException",
            "{length} bytes"
        );
    }
}

#[tokio::test]
async fn naming_another_key_than_the_one_that_encrypted_is_refused() {
    let kms = Kms::in_memory().unwrap();
    let blob = encrypted(&kms, "alias/trackwell-data").await;
    let mut body = json!({
        "CiphertextBlob": blob, "KeyId": "alias/trackwell-tokens", "EncryptionContext": right_context(),
    });
    assert_eq!(
        refused(&kms, "Decrypt", body.clone()).await,
        "IncorrectKeyException"
    );
    body["KeyId"] = "alias/unheard-of".into();
    assert_eq!(refused(&kms, "Decrypt", body).await, "NotFoundException");
    let elsewhere = Kms::in_memory().unwrap();
    let body = json!({ "CiphertextBlob": blob, "EncryptionContext": right_context() });
    assert_eq!(
        refused(&elsewhere, "Decrypt", body).await,
        "InvalidCiphertextException"
    );
}

#[tokio::test]
async fn an_unknown_key_is_not_found_whichever_operation_names_it() {
    let kms = Kms::in_memory().unwrap();
    let names = [
        "alias/unheard-of",
        "arn:aws:kms:eu-west-2:999999999999:alias/trackwell-data",
        "arn:aws:kms:us-east-1:000000000000:alias/trackwell-data",
        "",
    ];
    for name in names {
        let encrypt = json!({ "KeyId": name, "Plaintext": "AAAA" });
        assert_eq!(
            refused(&kms, "Encrypt", encrypt).await,
            "NotFoundException",
            "{name}"
        );
        let generate = json!({ "KeyId": name, "KeySpec": "AES_256" });
        assert_eq!(
            refused(&kms, "GenerateDataKey", generate).await,
            "NotFoundException",
            "{name}"
        );
        assert_eq!(
            refused(&kms, "DescribeKey", json!({ "KeyId": name })).await,
            "NotFoundException",
            "{name}"
        );
        assert_eq!(kms.key_arn(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_disabled_key_neither_encrypts_nor_decrypts_until_it_is_enabled_again() {
    let kms = Kms::in_memory().unwrap();
    let blob = encrypted(&kms, "alias/trackwell-tokens").await;
    assert!(kms.set_enabled("alias/trackwell-tokens", false));
    assert!(!kms.set_enabled("alias/unheard-of", false));
    let decrypt = json!({ "CiphertextBlob": blob, "EncryptionContext": right_context() });
    assert_eq!(
        refused(&kms, "Decrypt", decrypt.clone()).await,
        "DisabledException"
    );
    let generate = json!({ "KeyId": "alias/trackwell-tokens", "NumberOfBytes": 32 });
    assert_eq!(
        refused(&kms, "GenerateDataKeyWithoutPlaintext", generate).await,
        "DisabledException"
    );
    let (_, described) = ask(&kms, "DescribeKey", json!({ "KeyId": "alias/trackwell-tokens" })).await;
    assert_eq!(described["KeyMetadata"]["KeyState"], "Disabled");
    encrypted(&kms, "alias/trackwell-data").await;
    assert!(kms.set_enabled("alias/trackwell-tokens", true));
    let (status, answer) = ask(&kms, "Decrypt", decrypt).await;
    assert_eq!(
        (status, answer["Plaintext"].as_str()),
        (StatusCode::OK, Some(&*BASE64.encode("root key")))
    );
}

#[tokio::test]
async fn a_data_key_comes_in_the_clear_and_wrapped_or_only_wrapped() {
    let kms = Kms::in_memory().unwrap();
    let body =
        json!({ "KeyId": "alias/trackwell-data", "KeySpec": "AES_256", "EncryptionContext": { "u": "1" } });
    let (_, answer) = ask(&kms, "GenerateDataKey", body.clone()).await;
    assert_eq!(
        BASE64
            .decode(answer["Plaintext"].as_str().unwrap())
            .unwrap()
            .len(),
        32
    );
    let decrypt = json!({ "CiphertextBlob": answer["CiphertextBlob"], "EncryptionContext": { "u": "1" } });
    let (_, opened) = ask(&kms, "Decrypt", decrypt).await;
    assert_eq!(opened["Plaintext"], answer["Plaintext"]);

    let (_, wrapped) = ask(&kms, "GenerateDataKeyWithoutPlaintext", body).await;
    assert!(wrapped.get("Plaintext").is_none(), "{wrapped}");
    assert_ne!(wrapped["CiphertextBlob"], answer["CiphertextBlob"]);
    for wrong in [
        json!({}),
        json!({ "KeySpec": "AES_256", "NumberOfBytes": 32 }),
        json!({ "NumberOfBytes": 0 }),
    ] {
        let mut body = wrong;
        body["KeyId"] = "alias/trackwell-data".into();
        assert_eq!(
            refused(&kms, "GenerateDataKey", body).await,
            "ValidationException"
        );
    }
}

#[tokio::test]
async fn unknown_operations_and_parameters_are_refused_and_not_ignored() {
    let kms = Kms::in_memory().unwrap();
    let key = "alias/trackwell-data";
    assert_eq!(
        refused(&kms, "ScheduleKeyDeletion", json!({ "KeyId": key })).await,
        "UnknownOperationException"
    );
    let dry = json!({ "KeyId": key, "Plaintext": "AAAA", "DryRun": true });
    assert_eq!(refused(&kms, "Encrypt", dry).await, "ValidationException");
    let long = json!({ "KeyId": key, "Plaintext": BASE64.encode([7; 4097]) });
    assert_eq!(refused(&kms, "Encrypt", long).await, "ValidationException");
    let garbled = json!({ "KeyId": key, "Plaintext": "?" });
    assert_eq!(refused(&kms, "Encrypt", garbled).await, "SerializationException");
    let asymmetric =
        json!({ "KeyId": key, "Plaintext": "AAAA", "EncryptionAlgorithm": "RSAES_OAEP_SHA_256" });
    assert_eq!(refused(&kms, "Encrypt", asymmetric).await, "ValidationException");
}

#[tokio::test]
async fn keys_survive_a_restart_and_their_file_is_for_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let blob = encrypted(&Kms::open(dir.path()).unwrap(), "alias/trackwell-ledger").await;
    let again = Kms::open(dir.path()).unwrap();
    let decrypt = json!({ "CiphertextBlob": blob, "EncryptionContext": right_context() });
    let (_, answer) = ask(&again, "Decrypt", decrypt).await;
    assert_eq!(answer["Plaintext"], BASE64.encode("root key"));
    let names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["kms.json"]);
    #[cfg(unix)]
    {
        let metadata = std::fs::metadata(dir.path().join("kms.json")).unwrap();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777,
            0o600
        );
    }
}

#[test]
fn a_damaged_or_newer_key_file_is_an_error_that_names_it_and_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kms.json");
    let short = r#"{"version":1,"keys":[{"alias":"a","id":"b","material":"AAAA","enabled":true}]}"#;
    for text in ["{", r#"{"version":2,"keys":[]}"#, short] {
        std::fs::write(&path, text).unwrap();
        let error = Kms::open(dir.path()).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("kms.json"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[tokio::test]
async fn a_request_is_resolved_to_the_named_key_or_to_the_one_in_its_ciphertext() {
    let kms = Kms::in_memory().unwrap();
    let blob = BASE64
        .decode(encrypted(&kms, "alias/trackwell-tokens").await)
        .unwrap();
    let tokens = kms.key_arn("alias/trackwell-tokens");
    assert!(tokens.is_some());
    assert_eq!(kms.resolve(None, Some(&blob)), tokens);
    assert_eq!(
        kms.resolve(Some("alias/trackwell-data"), Some(&blob)),
        kms.key_arn("alias/trackwell-data")
    );
    assert_eq!(kms.resolve(None, Some(b"garbled")), None);
    assert_eq!(kms.resolve(Some("alias/unheard-of"), Some(&blob)), None);
    assert_eq!(kms.resolve(None, None), None);
}

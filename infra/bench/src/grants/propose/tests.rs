use super::*;

const TABLES: &str = "arn:aws:dynamodb:eu-west-2:000000000000:table";
const ID: &str = "00000000000000000000000000";

fn names() -> Names {
    let parameters = [
        ("CoreTable", "trackwell-core"),
        ("KeysTable", "trackwell-keys"),
        ("LedgerBucket", "trackwell-ledger"),
        ("FilesBucket", "trackwell-files"),
        ("TokenKeyArn", "arn:aws:kms:eu-west-2:000000000000:key/tokens"),
        ("StorageKeyArn", "arn:aws:kms:eu-west-2:000000000000:key/storage"),
        ("AWS::Region", "eu-west-2"),
    ];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Names::new(&parameters.into())
}

fn table(action: &str, table: &str, keys: &[String]) -> AwsCall {
    AwsCall {
        leading_keys: keys.to_vec(),
        ..AwsCall::new(action, format!("{TABLES}/{table}"))
    }
}

fn decrypt(key: &str, name: &str, value: &str) -> AwsCall {
    AwsCall {
        encryption_context: [(name.to_owned(), value.to_owned())].into(),
        ..AwsCall::new(
            "kms:Decrypt",
            format!("arn:aws:kms:eu-west-2:000000000000:key/{key}"),
        )
    }
}

fn proposed(used: Vec<AwsCall>, others: Vec<AwsCall>) -> Result<Proposal> {
    let used: BTreeSet<_> = used.into_iter().collect();
    let everybody = used.iter().cloned().chain(others).collect();
    proposal(&used, &everybody, &names())
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn actions_on_the_same_keys_of_a_table_share_a_statement_and_keys_are_in_order() {
    let user = format!("UNIT#user_{ID}");
    let content = format!("UNIT#org_{ID}.content");
    let billing = format!("UNIT#org_{ID}.billing");
    let session = || vec![format!("USER#user_{ID}"), format!("ORG#org_{ID}")];
    let used = vec![
        table("dynamodb:BatchGetItem", "trackwell-keys", &[content, user]),
        table("dynamodb:PutItem", "trackwell-core", &session()),
        table("dynamodb:GetItem", "trackwell-core", &session()[..1]),
        table("dynamodb:GetItem", "trackwell-core", &session()[1..]),
        table(
            "dynamodb:Query",
            "trackwell-core/index/by_update",
            &[format!("RECORD#org_{ID}#kind")],
        ),
    ];
    let others = vec![table("dynamodb:PutItem", "trackwell-keys", &[billing])];
    let expected = r##"- Effect: Allow
  Action: [dynamodb:GetItem, dynamodb:PutItem]
  Resource: !Sub arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${CoreTable}
  Condition: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["ORG#*", "USER#*"] } }
- Effect: Allow
  Action: dynamodb:Query
  Resource: !Sub arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${CoreTable}/index/by_update
  Condition: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["RECORD#*"] } }
- Effect: Allow
  Action: dynamodb:BatchGetItem
  Resource: !Sub arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${KeysTable}
  Condition: { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["UNIT#user_*", "UNIT#org_*.content"] } }"##;
    assert_eq!(proposed(used, others).unwrap().policies, lines(expected));
}

#[test]
fn objects_are_granted_by_their_folder_and_listings_by_their_prefix() {
    let object =
        |bucket: &str, key: &str| AwsCall::new("s3:PutObject", format!("arn:aws:s3:::{bucket}/{key}"));
    let listing = AwsCall {
        prefix: Some(format!("org/org_{ID}/content/")),
        ..AwsCall::new("s3:ListBucketVersions", "arn:aws:s3:::trackwell-files")
    };
    let used = vec![
        object("trackwell-ledger", "checkpoint"),
        object("trackwell-ledger", "tile/0/x0"),
        listing,
    ];
    let expected = r#"- Effect: Allow
  Action: s3:PutObject
  Resource:
    - !Sub arn:${AWS::Partition}:s3:::${LedgerBucket}/checkpoint
    - !Sub arn:${AWS::Partition}:s3:::${LedgerBucket}/tile/*
- Effect: Allow
  Action: s3:ListBucketVersions
  Resource: !Sub arn:${AWS::Partition}:s3:::${FilesBucket}
  Condition: { StringLike: { "s3:prefix": "org/*/content/" } }"#;
    assert_eq!(proposed(used, vec![]).unwrap().policies, lines(expected));
}

#[test]
fn what_opens_a_key_or_sends_mail_has_the_variable_for_it() {
    let used = vec![
        AwsCall::new(
            "ses:SendEmail",
            "arn:aws:ses:eu-west-2:000000000000:identity/trackwell.test",
        ),
        decrypt("tokens", "trackwell:purpose", "token"),
        decrypt("storage", "aws:dynamodb:tableName", "trackwell-keys"),
        decrypt("storage", "aws:dynamodb:tableName", "trackwell-core"),
        decrypt("storage", "aws:s3:arn", "arn:aws:s3:::trackwell-ledger"),
    ];
    let proposal = proposed(used, vec![]).unwrap();
    let expected = r#"- Effect: Allow
  Action: kms:Decrypt
  Resource: !Ref StorageKeyArn
  Condition: { StringEquals: { "kms:EncryptionContext:aws:s3:arn": !Sub "arn:${AWS::Partition}:s3:::${LedgerBucket}" } }
- Effect: Allow
  Action: kms:Decrypt
  Resource: !Ref TokenKeyArn
  Condition: { StringEquals: { "kms:EncryptionContext:trackwell:purpose": token } }
- Effect: Allow
  Action: kms:Decrypt
  Resource: !Ref StorageKeyArn
  Condition: { StringEquals: { "kms:EncryptionContext:aws:dynamodb:tableName": [!Ref CoreTable, !Ref KeysTable] } }"#;
    assert_eq!(proposal.policies, [lines(MAIL), lines(expected)].concat());
    let variables: Vec<_> = proposal.variables.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        variables,
        ["TOKEN_SIGNING_KEY_CIPHERTEXT", "MAIL_CONFIGURATION_SET"]
    );
}

#[test]
fn what_cannot_be_proposed_is_an_error() {
    let scan = AwsCall::new("dynamodb:Scan", format!("{TABLES}/trackwell-core"));
    let foreign = AwsCall::new("sns:Publish", "arn:aws:sns:eu-west-2:000000000000:topic");
    let bare = AwsCall::new("kms:Decrypt", "arn:aws:kms:eu-west-2:000000000000:key/tokens");
    for call in [scan, foreign, bare] {
        assert!(proposed(vec![call.clone()], vec![]).is_err(), "{call:?}");
    }
}

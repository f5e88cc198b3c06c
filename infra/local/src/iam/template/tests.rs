use super::*;

const TEMPLATE: &str = r#"
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  CoreTableName: { Type: String }
  LogLevel: { Type: String, Default: info }
  Stage: { Type: String, Default: dev }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsNotProd: !Not [!Condition IsProd]
  Either: !Or [!Condition IsProd, !Condition IsNotProd]
Globals:
  Function:
    Timeout: 10
    MemorySize: 256
    Runtime: provided.al2023
    Environment:
      Variables:
        CORE_TABLE: !Ref CoreTableName
        LOG_LEVEL: !Ref LogLevel
Resources:
  HttpApi:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: !ImportValue not-read
  RecordsCreateFunction:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: makefile }
    Properties:
      Timeout: 20
      Environment:
        Variables:
          LOG_LEVEL: !If [IsProd, warn, debug]
          ONLY_PROD: !If [IsProd, "yes", !Ref AWS::NoValue]
          KEY: !GetAtt DataKey.Arn
          LIMIT: 5000
          LITERAL: !Sub "${!kept} in ${Stage}"
      Policies:
        - Version: "2012-10-17"
          Statement:
            - Sid: Core
              Effect: Allow
              Action: [dynamodb:PutItem, dynamodb:GetItem]
              Resource: !Sub "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${CoreTableName}"
              Condition:
                ForAllValues:StringLike:
                  dynamodb:LeadingKeys: ["ORG#*"]
            - Effect: Allow
              Action: kms:Decrypt
              Resource: !GetAtt [DataKey, Arn]
        - Statement:
            Effect: Allow
            Action: s3:GetObject
            Resource:
              - !Join ["", ["arn:aws:s3:::", !Ref FilesBucket, "/exports/*"]]
              - Fn::Sub:
                  - "${Bucket}/imports/*"
                  - Bucket: !GetAtt FilesBucket.Arn
      Events:
        Route:
          Type: HttpApi
          Properties: { ApiId: !Ref HttpApi, Method: post, Path: "/v1/records" }
  LedgerSealFunction:
    Type: AWS::Serverless::Function
    Condition: Either
    Properties:
      Events:
        Every:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(1 minute)
            ScheduleExpressionTimezone: Europe/London
            RetryPolicy: { MaximumRetryAttempts: 2 }
  ProdOnlyFunction:
    Type: AWS::Serverless::Function
    Condition: IsProd
    Properties: {}
"#;

fn parameters() -> HashMap<String, String> {
    [
        ("AWS::Region", "eu-west-2"),
        ("AWS::AccountId", "000000000000"),
        ("CoreTableName", "trackwell-core"),
        ("FilesBucket", "files"),
        ("FilesBucket.Arn", "arn:aws:s3:::files"),
        ("DataKey.Arn", "arn:aws:kms:eu-west-2:000000000000:key/1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn parsed() -> Template {
    Template::parse(TEMPLATE, &parameters()).unwrap()
}

/// The errors of the template after a text in it is replaced, which must be there.
fn errors(from: &str, to: &str) -> String {
    assert!(TEMPLATE.contains(from), "{from}");
    Template::parse(&TEMPLATE.replacen(from, to, 1), &parameters())
        .unwrap_err()
        .join("\n")
}

#[test]
fn functions_have_their_environment_limits_and_events_with_what_globals_set() {
    let template = parsed();
    let create = template.function("RecordsCreateFunction").unwrap();
    let environment: Vec<_> = create
        .environment
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let expected = [
        ("CORE_TABLE", "trackwell-core"),
        ("KEY", "arn:aws:kms:eu-west-2:000000000000:key/1"),
        ("LIMIT", "5000"),
        ("LITERAL", "${kept} in dev"),
        ("LOG_LEVEL", "debug"),
    ];
    assert_eq!(environment, expected);
    assert_eq!((create.timeout_seconds, create.memory_mb), (20, 256));
    let route = Event::HttpApi {
        method: "POST".to_owned(),
        path: "/v1/records".to_owned(),
    };
    assert_eq!(create.events, [route]);
    let seal = template.function("LedgerSealFunction").unwrap();
    assert_eq!(
        (seal.timeout_seconds, seal.environment["LOG_LEVEL"].as_str()),
        (10, "info")
    );
    let schedule = Event::Schedule {
        expression: "rate(1 minute)".to_owned(),
        time_zone: Some("Europe/London".to_owned()),
        input: None,
    };
    assert_eq!(seal.events, [schedule]);
}

#[test]
fn a_part_of_a_parameter_is_selected() {
    let domain = "!Sub [\"identity/${Domain}\", { Domain: !Select [1, !Split [\"@\", !Ref LogLevel]] }]";
    let text = TEMPLATE.replace("!If [IsProd, warn, debug]", domain);
    let mut given = parameters();
    given.insert("LogLevel".to_owned(), "no-reply@example.com".to_owned());
    let template = Template::parse(&text, &given).unwrap();
    let create = template.function("RecordsCreateFunction").unwrap();
    assert_eq!(create.environment["LOG_LEVEL"], "identity/example.com");
}

#[test]
fn a_function_whose_condition_does_not_hold_is_not_there() {
    assert!(parsed().function("ProdOnlyFunction").is_none());
    assert!(parsed().function("HttpApi").is_none());
    let ids: Vec<_> = parsed()
        .functions()
        .map(|function| function.logical_id.clone())
        .collect();
    assert_eq!(ids, ["LedgerSealFunction", "RecordsCreateFunction"]);
    let mut prod = parameters();
    prod.insert("Stage".to_owned(), "prod".to_owned());
    let template = Template::parse(TEMPLATE, &prod).unwrap();
    assert!(template.function("ProdOnlyFunction").is_some());
    let environment = &template.function("RecordsCreateFunction").unwrap().environment;
    assert_eq!(
        (
            environment["LOG_LEVEL"].as_str(),
            environment["ONLY_PROD"].as_str()
        ),
        ("warn", "yes")
    );
}

#[test]
fn a_call_is_judged_by_the_policy_of_its_own_function() {
    let template = parsed();
    let create = template.function("RecordsCreateFunction").unwrap();
    let seal = template.function("LedgerSealFunction").unwrap();
    let table = "arn:aws:dynamodb:eu-west-2:000000000000:table/trackwell-core";
    let leading = |action: &str, resource: &str, key: &str| AwsCall {
        leading_keys: vec![key.to_owned()],
        ..AwsCall::new(action, resource)
    };
    create
        .authorize(&leading("dynamodb:PutItem", table, "ORG#1"))
        .unwrap();
    let planted = create
        .authorize(&leading("dynamodb:DeleteItem", table, "ORG#1"))
        .unwrap_err();
    assert_eq!(
        (planted.function.as_str(), planted.explicit),
        ("RecordsCreateFunction", false)
    );
    create
        .authorize(&leading("dynamodb:PutItem", table, "USER#1"))
        .unwrap_err();
    create
        .authorize(&leading(
            "dynamodb:PutItem",
            &table.replace("core", "keys"),
            "ORG#1",
        ))
        .unwrap_err();
    create
        .authorize(&AwsCall::new(
            "kms:Decrypt",
            "arn:aws:kms:eu-west-2:000000000000:key/1",
        ))
        .unwrap();
    create
        .authorize(&AwsCall::new(
            "kms:Decrypt",
            "arn:aws:kms:eu-west-2:000000000000:key/2",
        ))
        .unwrap_err();
    create
        .authorize(&AwsCall::new("s3:GetObject", "arn:aws:s3:::files/exports/1"))
        .unwrap();
    create
        .authorize(&AwsCall::new("s3:GetObject", "arn:aws:s3:::files/other/1"))
        .unwrap_err();
    // What one function may do, another may not.
    seal.authorize(&leading("dynamodb:PutItem", table, "ORG#1"))
        .unwrap_err();
}

#[test]
fn names_without_a_value_are_errors_that_say_where() {
    let mut missing = parameters();
    missing.remove("CoreTableName");
    missing.remove("DataKey.Arn");
    let found = Template::parse(TEMPLATE, &missing).unwrap_err();
    let says = |id: &str, what: &str| {
        found
            .iter()
            .any(|error| error.starts_with(id) && error.contains(what))
    };
    assert!(
        says(
            "RecordsCreateFunction: ",
            "CORE_TABLE: CoreTableName has no value"
        ),
        "{found:?}"
    );
    assert!(
        says("RecordsCreateFunction: ", "KEY: DataKey.Arn has no value"),
        "{found:?}"
    );
    assert!(says("RecordsCreateFunction: ", "Policies: "), "{found:?}");
    assert!(says("LedgerSealFunction: ", "CORE_TABLE"), "{found:?}");
}

#[test]
fn what_is_wrong_or_not_enforced_is_an_error() {
    let cases = [
        (
            "Effect: Allow",
            "Effect: Permit",
            "RecordsCreateFunction: Core: Effect",
        ),
        ("ForAllValues:StringLike", "StringNotLike", "StringNotLike"),
        (
            "dynamodb:LeadingKeys",
            "dynamodb:Attributes",
            "dynamodb:Attributes",
        ),
        (
            "            - Sid: Core\n              Effect",
            "            - Sid: Core\n              NotResource: x\n              Effect",
            "NotResource",
        ),
        (
            "Timeout: 20",
            "Timeout: soon",
            "RecordsCreateFunction: Timeout: soon",
        ),
        ("Timeout: 20", "Role: !GetAtt Shared.Arn", "Role is not enforced"),
        (
            "Type: ScheduleV2",
            "Type: SQS",
            "LedgerSealFunction: Events: Every: SQS",
        ),
        ("Method: post, ", "", "Method is missing"),
        (
            "ScheduleExpression: rate(1 minute)",
            "Enabled: true",
            "ScheduleExpression is missing",
        ),
        ("Condition: Either", "Condition: Neither", "no condition Neither"),
        ("!Equals [!Ref Stage, prod]", "!Condition Either", "too deeply"),
        ("!If [IsProd, warn, debug]", "!FindInMap [A, B, C]", "FindInMap"),
        (
            "!If [IsProd, warn, debug]",
            "!If [IsProd, warn]",
            "If does not have 3 arguments",
        ),
        ("!If [IsProd, warn, debug]", "[a, b]", "LOG_LEVEL is not a text"),
        (
            "!If [IsProd, warn, debug]",
            "!Select [1, !Split [\"@\", !Ref Stage]]",
            "Select finds nothing at 1",
        ),
        (
            "!If [IsProd, warn, debug]",
            "!Select [0, !Split [\"\", !Ref Stage]]",
            "Split has an empty delimiter",
        ),
        (
            "!If [IsProd, warn, debug]",
            "!Split [\"@\", !Ref Stage]",
            "LOG_LEVEL is not a text",
        ),
        ("!Sub \"arn:${AWS::Partition}:", "!Sub \"${Unclosed", "Policies: "),
        (
            "        - Statement:\n            Effect",
            "        - AWSLambdaExecute\n        - Statement:\n            Effect",
            "AWSLambdaExecute",
        ),
        (
            "${Bucket}/imports/*",
            "${Bucket}/${!aws:userid}/*",
            "policy variable",
        ),
        ("Resources:", "Resources: [", "the template: "),
        ("Resources:", "Sources:", "no resource of type"),
        (
            "      Timeout: 20\n",
            "      Timeout: 20\n      Timeout: 21\n",
            "duplicate",
        ),
    ];
    for (from, to, expected) in cases {
        let found = errors(from, to);
        assert!(found.contains(expected), "{to}: {found}");
    }
}

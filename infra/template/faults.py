"""Plants faults in the templates, one at a time, and sees that check.py finds each: a gate that cannot fail is none."""

import sys

from check import Check, load

ORG = '"dynamodb:LeadingKeys": ["ORG#*"]'
DATA_KEY = '"kms:EncryptionContext:trackwell:purpose": root'
SCHEDULE = "            DeadLetterConfig: { Arn: !GetAtt DeadLetters.Arn }\n"

# What is replaced in template.yaml, by what, and what the finding says.
TEMPLATE = [
    ("Action: dynamodb:GetItem", "Action: dynamodb:*", "is a wildcard"),
    ("Action: dynamodb:GetItem", "Action: dynamodb:Scan", "no function may do dynamodb:Scan"),
    ("Action: dynamodb:GetItem", "Action: iam:PassRole", "no function may do iam:PassRole"),
    ("table/${CoreTable}\n", "table/*\n", "is a wildcard"),
    ("${FilesBucket}/org/*", "${FilesBucket}/*", "is a wildcard"),
    ("${LedgerBucket}/tile/*", "*", "is a wildcard"),
    (ORG, '"dynamodb:LeadingKeys": ["*"]', "lets * pass"),
    ('Condition: { "ForAllValues:StringLike": { %s } }' % ORG, "Condition: {}", "without a condition on dynamodb:LeadingKeys"),
    ("Condition: { StringEquals: { %s } }" % DATA_KEY, "Condition: {}", "without a condition on kms:EncryptionContext"),
    ('Condition: { StringEquals: { "ses:FromAddress": !Ref MailFrom } }', "Condition: {}", "without a condition on ses:"),
    ('Condition: { StringLike: { "s3:prefix": "org/*/content/" } }', "Condition: {}", "without a condition on s3:prefix"),
    ("Action: [dynamodb:GetItem, dynamodb:DeleteItem]", "NotAction: x\n              Action: dynamodb:GetItem", "NotAction"),
    ("      Timeout: 29\n", "      Timeout: 30\n", "its timeout is above 29 s"),
    ("      Timeout: 60\n", "      Timeout: 61\n", "its timeout is above 60 s"),
    ("    Tracing: Active\n", "", "it is not traced"),
    ("      LogGroup: !Ref RouteLogs\n", "      LogGroup: elsewhere\n", "does not log to a log group"),
    ("    Architectures: [!Ref Architecture]\n", "    Architectures: [arm64]\n", "its architecture is fixed"),
    ("Runtime: provided.al2023", "Runtime: provided.al2", "its runtime is not"),
    ("        PROFILE: !Ref Profile\n", "        PROFILE: !Ref Profile\n        TOKEN_SIGNING_KEY_CIPHERTEXT: x\n", "where it must not be"),
    ("Resource: !Ref DataKeyArn", "Resource: !Ref LedgerKeyArn", "its rights on LedgerKeyArn"),
    ("    Metadata: { BuildMethod: makefile }\n    Properties:\n", "    Properties:\n      Role: !GetAtt MeGetFunctionRole.Arn\n", "2 functions share it"),
    (SCHEDULE, "", "it has no dead-letter queue"),
    ("MaximumEventAgeInSeconds: 600", "MaximumEventAgeInSeconds: 6", "no sensible RetryPolicy"),
    ("            ScheduleExpressionTimezone: UTC\n", "", "does not state its time zone"),
    ("      DeadLetterQueue: { Type: SQS, TargetArn: !GetAtt DeadLetters.Arn }\n", "", "its failed runs go nowhere"),
    ("RetentionInDays: !Ref LogRetentionDays, ", "", "kept for ever"),
    (", KmsKeyId: !Ref LogsKeyArn", "", "not encrypted with a key of ours"),
    ("      SqsManagedSseEnabled: true\n", "", "it is not encrypted"),
    ("MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 3600", "for 14 days"),
    ('"$context.routeKey"', '"$context.path"', "its access log says ['path']"),
    ('"$context.status"', '"$context.identity.sourceIp"', "identity.sourceIp"),
    ("        ThrottlingRateLimit: 500\n", "", "it is not throttled"),
    ("        POST /v1/auth/login:", "        POST /v1/auth/log-in:", "differ in ['POST /v1/auth/log-in', 'POST /v1/auth/login']"),
    ("ThrottlingRateLimit: 20,", "ThrottlingRateLimit: 500,", "not throttled more tightly"),
    ("  StorageKeyArn:\n", "  OtherKeyArn:\n", "outputs that template.yaml"),
]

# The same for infra/data.yaml.
DATA = [
    ("DeletionPolicy: Retain", "DeletionPolicy: Delete", "it goes with the stack"),
    ("RecoveryPeriodInDays: 1 ", "RecoveryPeriodInDays: 2 ", "restored for 2 days, not 1"),
    ("{ PointInTimeRecoveryEnabled: false }", "{ PointInTimeRecoveryEnabled: true }", "restored for 35 days, not None"),
    ("DeletionProtectionEnabled: true", "DeletionProtectionEnabled: false", "it can be deleted"),
    ("SSESpecification: { SSEEnabled: true, SSEType: KMS, KMSMasterKeyId: !GetAtt StorageKey.Arn }", "Tags: []", "no key of ours"),
    ("AttributeName: ttl, Enabled", "AttributeName: expires, Enabled", "its TTL is"),
    ("ProjectionType: KEYS_ONLY", "ProjectionType: ALL", "its indexes are"),
    ("BlockPublicPolicy: true", "BlockPublicPolicy: false", "it can be made public"),
    ("EncryptionType: [NONE]", "EncryptionType: [SSE-C]", "it blocks ['SSE-C'], not ['NONE']"),
    ("ObjectOwnership: BucketOwnerEnforced", "ObjectOwnership: ObjectWriter", "access control lists"),
    ("Status: Enabled }\n      Owner", "Status: Suspended }\n      Owner", "it is not versioned"),
    ('"aws:SecureTransport": "false"', '"aws:PrincipalType": "Anonymous"', "does not look at aws:SecureTransport"),
    ("            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 }\n", "", "broken uploads stay for ever"),
    ("      ObjectLockEnabled: true\n", "", "it has no Object Lock"),
    ("EnableKeyRotation: true", "EnableKeyRotation: false", "it is not rotated"),
    ("PendingWindowInDays: 30", "PendingWindowInDays: 7", "gone before 30 days"),
    ('Principal: { AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" }', 'Principal: { AWS: "*" }', "anybody is a principal"),
    ("            Condition: { StringEquals: { %s } }\n" % DATA_KEY, "", "lets use it without a condition"),
]


def main():
    template, data, registry = load()
    planted = [(0, *fault) for fault in TEMPLATE] + [(1, *fault) for fault in DATA]
    missed = 0
    for which, old, new, expected in planted:
        texts = [template, data]
        if old not in texts[which]:
            print(f"FINDING faults.py: there is no {old!r} to replace")
            missed += 1
            continue
        texts[which] = texts[which].replace(old, new, 1)
        findings = Check(*texts, registry).run()
        if not any(expected in finding for finding in findings):
            print(f"FINDING faults.py: {new!r} for {old!r} was not found; what was: {findings}")
            missed += 1
    print(f"{len(planted) - missed} of {len(planted)} planted faults were found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

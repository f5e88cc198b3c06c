"""The data: tables, buckets, keys, backups, mail. W-01 to W-19, W-50, W-61, W-90 to W-94."""

import json
import re

from model import ROOT, listed, named, text_of

# For how many days each table can be restored to a point in time.
RECOVERY = {"CoreTable": 35, "ControlTable": 35, "KeysTable": 1, "EphemeralTable": None}

# What of customers is in each table and bucket, as its tag says.
TENANT_DATA = {
    "CoreTable": "sealed", "ControlTable": "identifiers", "KeysTable": "keys", "EphemeralTable": "sealed",
    "FilesBucket": "sealed", "LedgerBucket": "none",
}
BACKED_UP = {"CoreTable", "ControlTable", "LedgerBucket"}

# SES counts these; an opened or clicked mail is nobody's business.
MAIL_EVENTS = {"SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY", "RENDERING_FAILURE"}


def check(model):
    tables(model)
    buckets(model)
    bucket_policies(model)
    keys(model)
    backups(model)
    mail(model)
    kept(model)


def tables(model):
    found = model.data.of_type("AWS::DynamoDB::Table")
    model.expect(set(found) == set(RECOVERY), "W-01", "data", f"the tables are {sorted(found)}")
    for name, table in found.items():
        where = f"data/{name}"
        recovery = table.get("PointInTimeRecoverySpecification", {})
        days = recovery.get("RecoveryPeriodInDays", 35) if recovery.get("PointInTimeRecoveryEnabled") else None
        fits = days == RECOVERY.get(name)
        model.expect(fits, "W-01", where, f"it can be restored for {days} days, not {RECOVERY.get(name)}")
        model.expect(table.get("DeletionProtectionEnabled") is True, "W-03", where, "it can be deleted")
        encryption = table.get("SSESpecification", {})
        ours = encryption.get("SSEEnabled") and encryption.get("KMSMasterKeyId")
        model.expect(ours, "W-02", where, "it has no key of ours")
        limited = all("OnDemandThroughput" in t for t in [table, *table.get("GlobalSecondaryIndexes", [])])
        model.expect(limited, "W-06", where, "its throughput has no limit")
        model.expect("StreamSpecification" not in table, "W-01", where, "its items go into a stream")
        ttl = table.get("TimeToLiveSpecification")
        wanted = {"AttributeName": ttl_attribute(), "Enabled": True} if name == "EphemeralTable" else None
        model.expect(ttl == wanted, "W-05", where, f"its TTL is {ttl}, not {wanted}")
        indexes = [(i["IndexName"], i["Projection"]["ProjectionType"]) for i in table.get("GlobalSecondaryIndexes", [])]
        expected = [("by_update", "KEYS_ONLY")] if name == "CoreTable" else []
        model.expect(indexes == expected, "W-02", where, f"its indexes are {indexes}")


def ttl_attribute():
    """The attribute that the code fills with the time after which an item may go."""
    source = (ROOT / "shared/src/idempotency.rs").read_text()
    return re.search(r"(\w+): expires_at\.as_second\(\)", source)[1]


def buckets(model):
    for name, bucket in model.data.of_type("AWS::S3::Bucket").items():
        where = f"data/{name}"
        block = bucket.get("PublicAccessBlockConfiguration", {})
        closed = len(block) == 4 and all(v is True for v in block.values())
        model.expect(closed, "W-10", where, "it can be made public")
        model.expect(bucket.get("VersioningConfiguration") == {"Status": "Enabled"}, "W-11", where, "it is not versioned")
        owner = [{"ObjectOwnership": "BucketOwnerEnforced"}]
        owned = bucket.get("OwnershipControls", {}).get("Rules") == owner and "AccessControl" not in bucket
        model.expect(owned, "W-15", where, "it has access control lists")
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        default = rule["ServerSideEncryptionByDefault"]
        is_ours = default["SSEAlgorithm"] == "aws:kms" and "KMSMasterKeyID" in default and rule.get("BucketKeyEnabled")
        model.expect(is_ours, "W-12", where, "its default encryption is not with a key of ours")
        blocked = rule.get("BlockedEncryptionTypes", {}).get("EncryptionType")
        wanted = ["NONE"] if name == "FilesBucket" else ["SSE-C"]
        model.expect(blocked == wanted, "W-12", where, f"it blocks {blocked}, not {wanted}")
        rules = bucket.get("LifecycleConfiguration", {}).get("Rules", [])
        aborted = any("AbortIncompleteMultipartUpload" in r for r in rules)
        model.expect(aborted, "W-16", where, "broken uploads stay for ever")
        expires = any("NoncurrentVersionExpiration" in r for r in rules)
        model.expect(expires, "W-16", where, "old versions stay for ever")
        current = any(key in r for r in rules for key in ("ExpirationInDays", "ExpirationDate", "Transitions"))
        model.expect(not current, "W-16", where, "what is in use expires or moves")
        origins = [o for c in bucket.get("CorsConfiguration", {}).get("CorsRules", []) for o in c["AllowedOrigins"]]
        model.expect(not any("*" in text_of(o) for o in origins), "W-19", where, "any origin may call it")
    ledger = model.data.resources["LedgerBucket"]["Properties"]
    model.expect(ledger.get("ObjectLockEnabled") is True, "W-17", "data/LedgerBucket", "it has no Object Lock")
    retention = ledger.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention")
    model.expect(retention, "W-17", "data/LedgerBucket", "its objects are not locked by default")


def bucket_policies(model):
    policies = {named(p["Bucket"]): p for p in model.data.of_type("AWS::S3::BucketPolicy").values()}
    for name in model.data.of_type("AWS::S3::Bucket"):
        where = f"data/{name}"
        statements = policies.get(name, {}).get("PolicyDocument", {}).get("Statement", [])
        allowed = [s for s in statements if s["Effect"] != "Deny"]
        model.expect(not allowed, "W-18", where, "its policy allows something")
        conditions = json.dumps([s.get("Condition") for s in statements if s.get("Principal") == "*"])
        for key in ("aws:SecureTransport", "s3:TlsVersion"):
            model.expect(key in conditions, "W-14", where, f"its policy does not look at {key}")


def keys(model):
    for stack in model.stacks.values():
        for name, key in stack.of_type("AWS::KMS::Key").items():
            where = f"{stack.name}/{name}"
            model.expect(key.get("EnableKeyRotation") is True, "W-50", where, "it is not rotated")
            model.expect(key.get("PendingWindowInDays") == 30, "W-50", where, "it can be gone before 30 days")
            for statement in key["KeyPolicy"]["Statement"]:
                principal = statement["Principal"]
                anybody = principal == "*" or principal.get("AWS") == "*"
                model.expect(not anybody, "W-50", where, "anybody is a principal of its policy")
                actions = listed(statement["Action"])
                model.expect(not any("*" in action for action in actions), "W-50", where, f"{actions} has a wildcard")
                uses = any(action in {"kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"} for action in actions)
                bound = not uses or "Condition" in statement
                model.expect(bound, "W-50", where, f"{statement['Sid']} lets use it without a condition")
        rotated = str(stack.of_type("AWS::SecretsManager::RotationSchedule"))
        for name, secret in stack.of_type("AWS::SecretsManager::Secret").items():
            good = secret.get("KmsKeyId") and f"'{name}'" in rotated
            model.expect(good, "W-61", f"{stack.name}/{name}", "it has no key of ours, or is not rotated")


def backups(model):
    stack = model.backup
    name, vault = stack.only("AWS::Backup::BackupVault")
    lock = vault.get("LockConfiguration", {})
    locked = (lock.get("MinRetentionDays"), lock.get("MaxRetentionDays")) == (30, 60) and "ChangeableForDays" in lock
    model.expect(locked, "W-90", f"backup/{name}", "it takes backups that go before 30 days or stay beyond 60")
    model.expect(vault.get("EncryptionKeyArn"), "W-90", f"backup/{name}", "it is not encrypted with a key of ours")
    name, plan = stack.only("AWS::Backup::BackupPlan")
    for rule in plan["BackupPlan"]["BackupPlanRule"]:
        parameter = stack.parameters.get(named(rule.get("Lifecycle", {}).get("DeleteAfterDays", "")), {})
        rolling = (parameter.get("MinValue"), parameter.get("MaxValue")) == (30, 60)
        model.expect(rolling, "W-90", f"backup/{name}", "its backups are not kept for 30 to 60 days")
        model.expect("CopyActions" in rule, "W-90", f"backup/{name}", "it cannot copy to another region")
    name, selection = stack.only("AWS::Backup::BackupSelection")
    resources = selection["BackupSelection"].get("Resources", [])
    selected = set(re.findall(r"\$\{(\w+(?:Table|Bucket))\}", str([text_of(r) for r in resources])))
    exact = selected == BACKED_UP and not any("*" in text_of(r) for r in resources)
    model.expect(exact, "W-90", f"backup/{name}", f"it selects {sorted(selected)}, not {sorted(BACKED_UP)}")
    readable = set(re.findall(r"\b(\w+(?:Table|Bucket))\b", json.dumps(stack.resources["BackupRole"])))
    others = readable & set(TENANT_DATA) - BACKED_UP
    model.expect(not others, "W-90", "backup/BackupRole", f"it may read {sorted(others)}")


def mail(model):
    name, settings = model.data.only("AWS::SES::ConfigurationSet")
    where = f"data/{name}"
    model.expect(settings.get("DeliveryOptions", {}).get("TlsPolicy") == "REQUIRE", "W-92", where, "it sends without TLS")
    suppressed = set(settings.get("SuppressionOptions", {}).get("SuppressedReasons", []))
    model.expect(suppressed == {"BOUNCE", "COMPLAINT"}, "W-92", where, f"it goes on sending after all but {suppressed}")
    measured = settings.get("ReputationOptions", {}).get("ReputationMetricsEnabled")
    model.expect(measured, "W-92", where, "its reputation is not measured")
    model.expect("TrackingOptions" not in settings, "W-92", where, "it tracks its readers")
    name, events = model.data.only("AWS::SES::ConfigurationSetEventDestination")
    types = {t.upper() for t in events["EventDestination"]["MatchingEventTypes"]}
    model.expect(types == MAIL_EVENTS, "W-92", f"data/{name}", f"it tells of {sorted(types)}")
    numbers = "CloudWatchDestination" in events["EventDestination"]
    model.expect(numbers, "W-92", f"data/{name}", "its events name recipients")


def kept(model):
    policy = json.loads(model.stack_policy)["Statement"]
    denied = {a for s in policy if s["Effect"] == "Deny" and s["Resource"] == "*" for a in listed(s["Action"])}
    protected = {"Update:Replace", "Update:Delete"} <= denied
    model.expect(protected, "W-93", "data", "an update of the stack can replace or delete what is in it")
    for option in ("stages/protected.json", "--enable-termination-protection") if model.deploy else ():
        model.expect(option in model.deploy, "W-93", "data", f"infra/deploy.sh does not use {option}")
    for stack in (model.data, model.backup):
        for name, resource in stack.resources.items():
            retained = {resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")} == {"Retain"}
            model.expect(retained, "W-04", f"{stack.name}/{name}", "it goes with the stack")
    for name, wanted in TENANT_DATA.items():
        tags = {t["Key"]: t["Value"] for t in model.data.resources[name]["Properties"].get("Tags", [])}
        tag = tags.get("tenant-data")
        model.expect(tag == wanted, "W-94", f"data/{name}", f"its tag says that it holds {tag}, not {wanted}")

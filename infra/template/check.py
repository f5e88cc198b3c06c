"""Our own rules for template.yaml, expanded as CloudFormation expands it, and for infra/data.yaml.

Prints every finding, then the figures, and exits with 1 when there is a finding.
"""

import argparse
import json
import logging
import os
import re
import sys
from collections import Counter
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
MAX_RESOURCES = 450
MAX_BYTES = 700 * 1024
PLANNED_FUNCTIONS = 120

# IAM's limit for all inline policies of a role, white space aside.
MAX_INLINE_POLICY = 10_240

# SAM gives these to every role: writing logs, and sending traces. Both services know no narrower resource that a
# template could name before it is deployed.
MANAGED = {"service-role/AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}

# Statements that a rule would refuse, each with the reason why it is as it is.
EXCEPTIONS = {
    ("AttachmentsCompleteFunction", "s3:ListBucket"): "S3 answers 404 for an absent object only to who may list the "
    "bucket, and the request has no prefix that a condition could name.",
}

# Who may hold the ciphertext of a signing key, and with which KMS key it opens.
SIGNING = {
    "TOKEN_SIGNING_KEY_CIPHERTEXT": ("TokenKeyArn", {"AuthLoginFunction", "AuthRefreshFunction"}),
    "LEDGER_SIGNING_KEY_CIPHERTEXT": ("LedgerKeyArn", {"ErasurePurgeFunction", "LedgerSealFunction"}),
}

# What an access log may say. Whatever is not here may be personal data, or, like a path, hold an id that is a secret.
LOGGABLE = {
    "requestId", "requestTimeEpoch", "routeKey", "status", "responseLength", "responseLatency", "integrationLatency",
    "integrationStatus", "error.responseType",
}


def expand(text):
    """The template as CloudFormation sees it after SAM's transform."""
    template = yaml_parse(text)
    # Where the code lies is known after the upload only; any place does.
    template["Globals"]["Function"]["CodeUri"] = {"Bucket": "bucket", "Key": "key"}
    logging.disable(logging.CRITICAL)
    session = boto3.session.Session(region_name="eu-west-1")
    return Translator({}, Parser(), boto_session=session).translate(template, parameter_values={})


def listed(value):
    return value if isinstance(value, list) else [value]


def text_of(value):
    """A text with its `${...}` in place, whichever intrinsic function it is made with."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        (name, argument), = value.items()
        if name == "Ref":
            return "${%s}" % argument
        if name == "Fn::GetAtt":
            return "${%s}" % ".".join(listed(argument))
        if name == "Fn::Sub":
            return argument if isinstance(argument, str) else argument[0]
    return json.dumps(value)


def resolved(value):
    """A text about as long as it will be when it is deployed."""
    lengths = {"AWS::Partition": 3, "AWS::Region": 14, "AWS::AccountId": 12}
    return re.sub(r"\$\{([^}]+)\}", lambda name: "x" * lengths.get(name[1], 78 if "Arn" in name[1] else 40), text_of(value))


def with_texts(value):
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in ("Ref", "Fn::GetAtt", "Fn::Sub"):
            return resolved(value)
        return {key: with_texts(inner) for key, inner in value.items()}
    return [with_texts(inner) for inner in value] if isinstance(value, list) else value


class Check:
    def __init__(self, template_text, data_text, registry_text):
        self.source_bytes = len(template_text.encode())
        self.expanded = expand(template_text)
        self.resources = self.expanded["Resources"]
        self.data = yaml_parse(data_text)
        self.registry = registry_text
        self.findings = []

    def fail(self, where, what):
        self.findings.append(f"{where}: {what}")

    def expect(self, condition, where, what):
        if not condition:
            self.fail(where, what)

    def of_type(self, kind, resources=None):
        found = self.resources if resources is None else resources
        return {name: r.get("Properties", {}) for name, r in found.items() if r["Type"] == kind}

    def run(self):
        self.functions()
        self.schedules()
        self.permissions()
        self.logs_and_queues()
        self.api()
        self.tables()
        self.buckets()
        self.keys()
        self.outputs()
        self.size()
        return self.findings

    # Functions and what they may do.

    def functions(self):
        roles = Counter()
        called = {text_of(p["Target"]["Arn"]) for p in self.of_type("AWS::Scheduler::Schedule").values()}
        routed = {text_of(p["FunctionName"]) for p in self.of_type("AWS::Lambda::Permission").values()}
        groups = self.of_type("AWS::Logs::LogGroup")
        for name, function in self.of_type("AWS::Lambda::Function").items():
            role = text_of(function["Role"]).strip("${}").removesuffix(".Arn")
            roles[role] += 1
            self.expect(role in self.resources, name, "its role is not one of this template")
            self.expect(function["Runtime"] == "provided.al2023", name, "its runtime is not provided.al2023")
            self.expect(function["Architectures"] == [{"Ref": "Architecture"}], name, "its architecture is fixed")
            self.expect(function.get("TracingConfig", {}).get("Mode") == "Active", name, "it is not traced")
            group = text_of(function.get("LoggingConfig", {}).get("LogGroup", "")).strip("${}")
            self.expect(group in groups, name, "it does not log to a log group of this template")
            is_route = "${%s}" % name in routed
            limit = 29 if is_route else 60
            self.expect(function["Timeout"] <= limit, name, f"its timeout is above {limit} s")
            if "${%s.Arn}" % name in called:
                target = function.get("DeadLetterConfig", {}).get("TargetArn")
                self.expect(target, name, "it runs on a schedule and its failed runs go nowhere")
            variables = function["Environment"]["Variables"]
            statements = self.statements(role)
            for variable, (key, holders) in SIGNING.items():
                self.expect((variable in variables) == (name in holders), name, f"{variable} is where it must not be, or lacks")
                opens = any(text_of(r) == "${%s}" % key for s in statements for r in listed(s["Resource"]))
                self.expect(opens == (name in holders), name, f"its rights on {key} and its variables do not fit")
            for statement in statements:
                self.statement(name, statement)
        for role, count in roles.items():
            self.expect(count == 1, role, f"{count} functions share it")
            properties = self.resources[role]["Properties"]
            managed = {arn.split(":policy/")[1] for arn in properties.get("ManagedPolicyArns", [])}
            self.expect(managed <= MANAGED, role, f"it has managed policies: {sorted(managed - MANAGED)}")
            size = self.inline_size(role)
            self.expect(size < MAX_INLINE_POLICY, role, f"its policies have {size} characters, IAM takes {MAX_INLINE_POLICY}")

    def statements(self, role):
        policies = self.resources[role]["Properties"].get("Policies", [])
        return [s for p in policies for s in listed(p["PolicyDocument"]["Statement"])]

    def inline_size(self, role):
        policies = self.resources[role]["Properties"].get("Policies", [])
        return sum(len(re.sub(r"\s", "", json.dumps(with_texts(p["PolicyDocument"])))) for p in policies)

    def statement(self, name, statement):
        known = {"Sid", "Effect", "Action", "Resource", "Condition"}
        self.expect(set(statement) <= known, name, f"a statement has {sorted(set(statement) - known)}")
        condition = statement.get("Condition", {})
        for action in listed(statement["Action"]):
            service, _, operation = action.partition(":")
            self.expect("*" not in action and "?" not in action, name, f"{action} is a wildcard")
            self.expect(
                service in {"dynamodb", "kms", "s3", "ses", "sqs"}, name, f"{action} is of a service that nothing here uses"
            )
            self.expect(
                operation not in {"Scan", "PartiQLSelect", "PassRole", "DeleteTable", "UpdateTable"},
                name, f"no function may do {action}",
            )
            if (name, action) in EXCEPTIONS:
                continue
            required = {
                "dynamodb": ("ForAllValues:StringLike", "dynamodb:LeadingKeys"),
                "kms": ("StringEquals", "kms:EncryptionContext:"),
                "ses": ("StringEquals", "ses:FromAddress"),
            }.get(service)
            if service == "s3" and operation.startswith("List"):
                required = ("StringLike", "s3:prefix")
            if required:
                keys = [key for key in condition.get(required[0], {}) if key.startswith(required[1])]
                self.expect(keys, name, f"{action} is allowed without a condition on {required[1].rstrip(':')}")
                for value in (v for key in keys for v in listed(condition[required[0]][key])):
                    plain = text_of(value)
                    self.expect(not plain.startswith("*"), name, f"the condition of {action} lets {plain} pass")
        for resource in map(text_of, listed(statement["Resource"])):
            # A star is right behind a folder of a bucket only.
            bare = re.sub(r":s3:::\$\{\w+\}/[a-z]+/\*$", "", resource)
            self.expect("*" not in bare and "?" not in bare, name, f"{resource} is a wildcard")

    # What calls them.

    def schedules(self):
        for name, schedule in self.of_type("AWS::Scheduler::Schedule").items():
            target = schedule["Target"]
            retry = target.get("RetryPolicy", {})
            age, attempts = retry.get("MaximumEventAgeInSeconds", 0), retry.get("MaximumRetryAttempts", 0)
            self.expect(60 <= age <= 86_400 and 1 <= attempts <= 185, name, "it has no sensible RetryPolicy")
            self.expect("Arn" in target.get("DeadLetterConfig", {}), name, "it has no dead-letter queue")
            self.expect(schedule.get("ScheduleExpressionTimezone"), name, "it does not state its time zone")
            self.expect(schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}, name, "its time is not exact")
            role = text_of(target["RoleArn"]).strip("${}").removesuffix(".Arn")
            allowed = {(a, text_of(r)) for s in self.statements(role) for a in listed(s["Action"]) for r in listed(s["Resource"])}
            queue = text_of(target.get("DeadLetterConfig", {}).get("Arn", ""))
            expected = {("lambda:InvokeFunction", text_of(target["Arn"])), ("sqs:SendMessage", queue)}
            self.expect(allowed == expected, role, f"it may do {sorted(allowed)}")

    def permissions(self):
        for name, permission in self.of_type("AWS::Lambda::Permission").items():
            arn = text_of(permission.get("SourceArn", ""))
            may_be_open = permission["FunctionName"] == {"Ref": "FallbackAnswerFunction"}
            names_a_route = re.search(r"/(GET|POST|PUT|PATCH|DELETE)/[a-z.]", arn)
            self.expect(names_a_route or (may_be_open and arn), name, "it does not name the one route that may call")

    # What they share.

    def logs_and_queues(self):
        for name, group in self.of_type("AWS::Logs::LogGroup").items():
            self.expect(group.get("RetentionInDays"), name, "its logs are kept for ever")
            self.expect(group.get("KmsKeyId"), name, "its logs are not encrypted with a key of ours")
        for name, queue in self.of_type("AWS::SQS::Queue").items():
            self.expect(queue.get("SqsManagedSseEnabled") or queue.get("KmsMasterKeyId"), name, "it is not encrypted")
            self.expect(queue.get("MessageRetentionPeriod") == 1_209_600, name, "it does not keep messages for 14 days")

    def api(self):
        (name, stage), = self.of_type("AWS::ApiGatewayV2::Stage").items()
        form = stage.get("AccessLogSettings", {}).get("Format", "")
        try:
            json.loads(form)
        except ValueError:
            self.fail(name, "its access log is not JSON")
        logged = set(re.findall(r"\$context\.([\w.]+)", form))
        self.expect("requestId" in logged, name, "its access log does not name the request")
        self.expect(logged <= LOGGABLE, name, f"its access log says {sorted(logged - LOGGABLE)}")
        default = stage.get("DefaultRouteSettings", {})
        rate = default.get("ThrottlingRateLimit", 0)
        self.expect(rate and default.get("ThrottlingBurstLimit"), name, "it is not throttled")
        own = stage.get("RouteSettings", {})
        blocks = re.findall(r"^    [A-Z_]+ = Route \{(.*?)\.\.ROUTE", self.registry, re.S | re.M)
        sensitive = set()
        for block in blocks:
            if "Rate::Sensitive" in block:
                method, path = (re.search(rf'{field}: "([^"]+)"', block) for field in ("method", "path"))
                sensitive.add(f"{method[1] if method else 'GET'} {path[1]}")
        self.expect(set(own) == sensitive, name, f"the registry and RouteSettings differ in {sorted(set(own) ^ sensitive)}")
        for route, settings in own.items():
            self.expect(0 < settings.get("ThrottlingRateLimit", 0) < rate, name, f"{route} is not throttled more tightly")

    # The data.

    def tables(self):
        tables = self.of_type("AWS::DynamoDB::Table", self.data["Resources"])
        backups = {"CoreTable": 35, "ControlTable": 35, "KeysTable": 1, "EphemeralTable": None}
        self.expect(set(tables) == set(backups), "data.yaml", f"the tables are {sorted(tables)}")
        for name, table in tables.items():
            recovery = table.get("PointInTimeRecoverySpecification", {})
            days = recovery.get("RecoveryPeriodInDays", 35) if recovery.get("PointInTimeRecoveryEnabled") else None
            self.expect(days == backups.get(name), name, f"it can be restored for {days} days, not {backups.get(name)}")
            self.expect(table.get("DeletionProtectionEnabled") is True, name, "it can be deleted")
            encryption = table.get("SSESpecification", {})
            self.expect(encryption.get("SSEEnabled") and encryption.get("KMSMasterKeyId"), name, "it has no key of ours")
            self.expect("OnDemandThroughput" in table, name, "its throughput has no limit")
            self.expect("StreamSpecification" not in table, name, "its items go into a stream")
            ttl = table.get("TimeToLiveSpecification")
            wanted = {"AttributeName": "ttl", "Enabled": True} if name == "EphemeralTable" else None
            self.expect(ttl == wanted, name, f"its TTL is {ttl}, not {wanted}")
            indexes = [(i["IndexName"], i["Projection"]["ProjectionType"]) for i in table.get("GlobalSecondaryIndexes", [])]
            expected = [("by_update", "KEYS_ONLY")] if name == "CoreTable" else []
            self.expect(indexes == expected, name, f"its indexes are {indexes}")
        for name, resource in self.data["Resources"].items():
            kept = {resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")} == {"Retain"}
            self.expect(kept, name, "it goes with the stack")

    def buckets(self):
        resources = self.data["Resources"]
        policies = {text_of(p["Bucket"]).strip("${}"): p for p in self.of_type("AWS::S3::BucketPolicy", resources).values()}
        for name, bucket in self.of_type("AWS::S3::Bucket", resources).items():
            block = bucket.get("PublicAccessBlockConfiguration", {})
            self.expect(len(block) == 4 and all(v is True for v in block.values()), name, "it can be made public")
            self.expect(bucket.get("VersioningConfiguration") == {"Status": "Enabled"}, name, "it is not versioned")
            owner = [{"ObjectOwnership": "BucketOwnerEnforced"}]
            self.expect(bucket.get("OwnershipControls", {}).get("Rules") == owner, name, "it has access control lists")
            (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            default = rule["ServerSideEncryptionByDefault"]
            is_ours = default["SSEAlgorithm"] == "aws:kms" and "KMSMasterKeyID" in default and rule.get("BucketKeyEnabled")
            self.expect(is_ours, name, "its default encryption is not with a key of ours")
            blocked = rule.get("BlockedEncryptionTypes", {}).get("EncryptionType")
            wanted = ["NONE"] if name == "FilesBucket" else ["SSE-C"]
            self.expect(blocked == wanted, name, f"it blocks {blocked}, not {wanted}")
            rules = bucket.get("LifecycleConfiguration", {}).get("Rules", [])
            self.expect(any("AbortIncompleteMultipartUpload" in r for r in rules), name, "broken uploads stay for ever")
            denied = [s for s in policies.get(name, {}).get("PolicyDocument", {}).get("Statement", [])]
            self.expect(all(s["Effect"] == "Deny" for s in denied), name, "its policy allows something")
            conditions = json.dumps([s.get("Condition") for s in denied])
            for key in ("aws:SecureTransport", "s3:TlsVersion"):
                self.expect(key in conditions, name, f"its policy does not look at {key}")
        files, ledger = resources["FilesBucket"]["Properties"], resources["LedgerBucket"]["Properties"]
        expires = any("NoncurrentVersionExpiration" in r for r in files["LifecycleConfiguration"]["Rules"])
        self.expect(expires, "FilesBucket", "old versions stay for ever")
        self.expect(ledger.get("ObjectLockEnabled") is True, "LedgerBucket", "it has no Object Lock")
        retention = ledger.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention")
        self.expect(retention, "LedgerBucket", "its objects are not locked by default")

    def keys(self):
        for name, key in self.of_type("AWS::KMS::Key", self.data["Resources"]).items():
            self.expect(key.get("EnableKeyRotation") is True, name, "it is not rotated")
            self.expect(key.get("PendingWindowInDays") == 30, name, "it can be gone before 30 days")
            for statement in key["KeyPolicy"]["Statement"]:
                principal = statement["Principal"]
                self.expect(principal != "*" and principal.get("AWS") != "*", name, "anybody is a principal of its policy")
                actions = listed(statement["Action"])
                self.expect(not any("*" in action for action in actions), name, f"{actions} has a wildcard")
                uses = any(action in {"kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"} for action in actions)
                self.expect(not uses or "Condition" in statement, name, f"{statement['Sid']} lets use it without a condition")

    def outputs(self):
        parameters, outputs = set(self.expanded["Parameters"]), set(self.data["Outputs"])
        self.expect(outputs <= parameters, "data.yaml", f"outputs that template.yaml does not take: {sorted(outputs - parameters)}")
        wanted = {p for p in parameters if p.endswith(("Table", "Bucket", "Arn"))}
        self.expect(wanted <= outputs, "data.yaml", f"outputs that template.yaml wants: {sorted(wanted - outputs)}")

    # How large it gets.

    def size(self):
        functions = self.of_type("AWS::Lambda::Function")
        body = self.of_type("AWS::ApiGatewayV2::Api")["Api"]["Body"]
        of_functions = {n: r for n, r in self.resources.items() if any(n.startswith(f) for f in functions)}
        length = lambda value: len(json.dumps(value, separators=(",", ":")).encode())
        self.figures = {"functions": len(functions), "source": self.source_bytes}
        self.figures["resources"] = len(self.resources)
        self.figures["bytes"] = length(self.expanded)
        share = len(functions) or 1
        each = len(of_functions) / share
        each_bytes = (length(of_functions) + length(body["paths"])) / share
        fixed, fixed_bytes = len(self.resources) - len(of_functions), self.figures["bytes"] - each_bytes * share
        self.projected = {}
        for count in (PLANNED_FUNCTIONS, PLANNED_FUNCTIONS + share):
            self.projected[count] = (round(fixed + each * count), round(fixed_bytes + each_bytes * count))
        resources, size = self.projected[PLANNED_FUNCTIONS]
        self.expect(resources <= MAX_RESOURCES, "template.yaml", f"{PLANNED_FUNCTIONS} functions make {resources} resources")
        self.expect(size <= MAX_BYTES, "template.yaml", f"{PLANNED_FUNCTIONS} functions make {size} bytes")

    def report(self):
        figures = self.figures
        kb = lambda size: f"{size / 1024:.0f} KB"
        print(f"functions now: {figures['functions']}; source {kb(figures['source'])}")
        print(f"expanded now: {figures['resources']} resources, {kb(figures['bytes'])} of compact JSON")
        for count, (resources, size) in self.projected.items():
            over = "" if resources <= MAX_RESOURCES and size <= MAX_BYTES else " (above our limit)"
            print(f"projected for {count} functions of today's kinds: {resources} resources, {kb(size)}{over}")
        print(f"our limits: {MAX_RESOURCES} resources, {kb(MAX_BYTES)}; CloudFormation's: 500 and 1024 KB")
        roles = {text_of(f["Role"]).strip("${}").removesuffix(".Arn") for f in self.of_type("AWS::Lambda::Function").values()}
        largest = max(roles, key=self.inline_size)
        print(f"largest inline policies: {self.inline_size(largest)} of {MAX_INLINE_POLICY} characters, {largest}")
        for (name, action), reason in EXCEPTIONS.items():
            print(f"exception: {name} {action}: {reason}")


def load():
    return [(ROOT / path).read_text() for path in ("template.yaml", "infra/data.yaml", "functions/src/registry.rs")]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--expanded", help="where to write the expanded template")
    arguments = arguments.parse_args()
    check = Check(*load())
    findings = check.run()
    for finding in findings:
        print(f"FINDING {finding}")
    check.report()
    if arguments.expanded:
        Path(arguments.expanded).write_text(json.dumps(check.expanded, indent=1))
    print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

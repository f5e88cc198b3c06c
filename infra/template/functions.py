"""Functions: what they are, what they may do and what calls them. W-20 to W-29, W-40, W-60, W-80."""

import re
from collections import Counter

from model import listed, logical_id, named, text_of
from policies import inline_size

# IAM's limit for all inline policies of a role.
MAX_INLINE_POLICY = 10_240

# SAM gives these to every role: writing logs, and sending traces. Both services know no narrower resource that a
# template could name before it is deployed.
MANAGED = {"service-role/AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}

# Who may hold the ciphertext of a signing key, and with which KMS key it opens.
SIGNING = {
    # Whoever begins a session: a sign-in, a step-up, and each change of what its holder may do.
    "TOKEN_SIGNING_KEY_CIPHERTEXT": (
        "TokenKeyArn",
        {
            "AuthLoginFunction",
            "AuthMfaFunction",
            "AuthPasskeyFinishFunction",
            "AuthRefreshFunction",
            "FactorsPasskeyConfirmFunction",
            "FactorsTotpConfirmFunction",
            "MePasswordFunction",
            "MeStepUpFunction",
            "MeSwitchFunction",
            "OrganisationTransferFunction",
        },
    ),
    "LEDGER_SIGNING_KEY_CIPHERTEXT": ("LedgerKeyArn", {"ErasurePurgeFunction", "LedgerSealFunction"}),
}

# What a function may never do to a table that outlives it, and what would go around the conditions on partition keys.
NEVER_TO_TABLES = {"DeleteTable", "UpdateTable", "UpdateTimeToLive", "UpdateContinuousBackups", "DeleteBackup"}
NEVER = {"Scan", "PartiQLSelect", "PassRole"}


def check(model):
    stack = model.template
    routed = {text_of(p["FunctionName"]) for p in stack.of_type("AWS::Lambda::Permission").values()}
    scheduled = {text_of(p["Target"]["Arn"]) for p in stack.of_type("AWS::Scheduler::Schedule").values()}
    roles = Counter()
    for name, function in stack.of_type("AWS::Lambda::Function").items():
        roles[named(function["Role"])] += 1
        runtime(model, name, function, "${%s}" % name in routed, "${%s.Arn}" % name in scheduled)
        variables(model, name, function)
        for statement in statements(stack, named(function["Role"])):
            judge(model, name, statement)
    for role, count in roles.items():
        model.expect(count == 1, "W-20", f"template/{role}", f"{count} functions share it")
    concurrency(model)
    every_role(model)
    schedules(model)
    permissions(model)
    queues(model)
    urls = [name for s in model.stacks.values() for name in s.of_type("AWS::Lambda::Url")]
    model.expect(not urls, "W-29", "template", f"functions answer at addresses of their own: {urls}")


def runtime(model, name, function, is_route, is_scheduled):
    stack, where = model.template, f"template/{name}"
    model.expect(named(function["Role"]) in stack.resources, "W-20", where, "its role is not one of this template")
    model.expect(function["Runtime"] == "provided.al2023", "W-26", where, "its runtime is not provided.al2023")
    model.expect(function["Architectures"] == [{"Ref": "Architecture"}], "W-25", where, "its architecture is fixed")
    limit = 29 if is_route else 60
    model.expect(function["Timeout"] <= limit, "W-25", where, f"its timeout is above {limit} s")
    model.expect(function["MemorySize"] >= 256, "W-25", where, "it has less than 256 MB")
    model.expect(function.get("TracingConfig", {}).get("Mode") == "Active", "W-24", where, "it is not traced")
    group = named(function.get("LoggingConfig", {}).get("LogGroup", ""))
    expected = "RouteLogs" if is_route else "TaskLogs"
    model.expect(group == expected, "W-27", where, f"it does not log to {expected}")
    target = text_of(function.get("DeadLetterConfig", {}).get("TargetArn", ""))
    model.expect(not is_scheduled or target == "${DeadLetters.Arn}", "W-22", where, "its failed runs go nowhere")


def variables(model, name, function):
    stack, where = model.template, f"template/{name}"
    given = function["Environment"]["Variables"]
    allowed = statements(stack, named(function["Role"]))
    for variable, (key, holders) in SIGNING.items():
        fits = (variable in given) == (name in holders)
        model.expect(fits, "W-23", where, f"{variable} is where it must not be, or lacks")
        opens = any(text_of(r) == "${%s}" % key for s in allowed for r in listed(s["Resource"]))
        model.expect(opens == (name in holders), "W-50", where, f"its rights on {key} and its variables do not fit")
    for variable, value in given.items():
        parameter = stack.parameters.get(named(value)) if isinstance(value, dict) else None
        model.expect(parameter, "W-23", where, f"{variable} is written in the template, and not a parameter")
        hidden = parameter and str(parameter.get("NoEcho", "")).lower() == "true"
        model.expect(not hidden, "W-23", where, f"{variable} shows what {named(value)} hides")
    sends = any("ses:SendEmail" in listed(s["Action"]) for s in allowed)
    fits = ("MAIL_CONFIGURATION_SET" in given) == sends
    model.expect(fits, "W-92", where, "its configuration set and its rights do not fit")
    model.expect("ORIGIN_SECRET_HASHES" in given, "W-32", where, "it cannot tell who comes through the front door")


def statements(stack, role):
    policies = stack.resources[role]["Properties"].get("Policies", [])
    return [s for p in policies for s in listed(p["PolicyDocument"]["Statement"])]


def judge(model, name, statement):
    """One statement of a function's policy."""
    where = f"template/{name}"
    known = {"Sid", "Effect", "Action", "Resource", "Condition"}
    model.expect(set(statement) <= known, "W-80", where, f"a statement has {sorted(set(statement) - known)}")
    for action in listed(statement["Action"]):
        service, _, operation = action.partition(":")
        model.expect("*" not in action and "?" not in action, "W-80", where, f"{action} is a wildcard")
        known = service in {"dynamodb", "kms", "s3", "ses", "sqs"}
        model.expect(known, "W-80", where, f"{action} is of a service that nothing here uses")
        model.expect(operation not in NEVER, "W-80", where, f"no function may do {action}")
        model.expect(operation not in NEVER_TO_TABLES, "W-07", where, f"no function may do {action}")
        conditions(model, where, action, statement.get("Condition", {}))
    for resource in map(text_of, listed(statement["Resource"])):
        # A star is right behind a folder of a bucket only.
        bare = re.sub(r":s3:::\$\{\w+\}/[a-z]+/\*$", "", resource)
        model.expect("*" not in bare and "?" not in bare, "W-80", where, f"{resource} is a wildcard")


def conditions(model, where, action, condition):
    service, _, operation = action.partition(":")
    rule, required = {
        "dynamodb": ("W-80", ("ForAllValues:StringLike", "dynamodb:LeadingKeys")),
        "kms": ("W-50", ("StringEquals", "kms:EncryptionContext:")),
        "ses": ("W-80", ("StringEquals", "ses:FromAddress")),
    }.get(service, ("W-80", None))
    if service == "s3" and operation.startswith("List"):
        required = ("StringLike", "s3:prefix")
    if required:
        keys = [key for key in condition.get(required[0], {}) if key.startswith(required[1])]
        model.expect(keys, rule, where, f"{action} is allowed without a condition on {required[1].rstrip(':')}")
        for value in (v for key in keys for v in listed(condition[required[0]][key])):
            plain = text_of(value)
            model.expect(not plain.startswith("*"), rule, where, f"the condition of {action} lets {plain} pass")


def concurrency(model):
    sensitive = {name for name, (_, is_sensitive) in model.routes().items() if is_sensitive}
    tasks = {logical_id(name) for name in model.tasks()}
    for name, function in model.template.of_type("AWS::Lambda::Function").items():
        reserved = function.get("ReservedConcurrentExecutions")
        expected = None
        for group, names in (("Auth", sensitive), ("Tasks", tasks)):
            if name in names:
                parameter = {"Ref": f"{group.removesuffix('s')}Concurrency"}
                expected = {"Fn::If": [f"ReservesFor{group}", parameter, {"Ref": "AWS::NoValue"}]}
        model.expect(reserved == expected, "W-21", f"template/{name}", f"its reserved concurrency is {reserved}")


def every_role(model):
    for stack in model.stacks.values():
        for name, role in stack.of_type("AWS::IAM::Role").items():
            where = f"{stack.name}/{name}"
            managed = {text_of(arn).split(":policy/")[1] for arn in role.get("ManagedPolicyArns", [])}
            model.expect(managed <= MANAGED, "W-80", where, f"it has managed policies: {sorted(managed - MANAGED)}")
            size = inline_size(stack, name)
            fits = size < MAX_INLINE_POLICY
            model.expect(fits, "W-80", where, f"its policies have {size} characters, IAM takes {MAX_INLINE_POLICY}")
            for trust in role["AssumeRolePolicyDocument"]["Statement"]:
                by_a_service = set(trust["Principal"]) == {"Service"}
                model.expect(by_a_service, "W-80", where, f"who may take it: {trust['Principal']}")


def schedules(model):
    stack = model.template
    for name, schedule in stack.of_type("AWS::Scheduler::Schedule").items():
        where, target = f"template/{name}", schedule["Target"]
        retry = target.get("RetryPolicy", {})
        age, attempts = retry.get("MaximumEventAgeInSeconds", 0), retry.get("MaximumRetryAttempts", 0)
        sensible = 60 <= age <= 86_400 and 1 <= attempts <= 185
        model.expect(sensible, "W-40", where, "it has no sensible RetryPolicy")
        model.expect("Arn" in target.get("DeadLetterConfig", {}), "W-40", where, "it has no dead-letter queue")
        model.expect(schedule.get("ScheduleExpressionTimezone"), "W-40", where, "it does not state its time zone")
        model.expect(schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}, "W-40", where, "its time is not exact")
        # What a schedule carries would have to be encrypted with a key of ours; it carries nothing.
        model.expect("Input" not in target, "W-40", where, "it carries an input, and no key of ours encrypts it")
        role = named(target["RoleArn"])
        granted = statements(stack, role)
        allowed = {(a, text_of(r)) for s in granted for a in listed(s["Action"]) for r in listed(s["Resource"])}
        queue = text_of(target.get("DeadLetterConfig", {}).get("Arn", ""))
        expected = {("lambda:InvokeFunction", text_of(target["Arn"])), ("sqs:SendMessage", queue)}
        model.expect(allowed == expected, "W-40", f"template/{role}", f"it may do {sorted(allowed)}")


def permissions(model):
    for name, permission in model.template.of_type("AWS::Lambda::Permission").items():
        arn = text_of(permission.get("SourceArn", ""))
        may_be_open = permission["FunctionName"] == {"Ref": "FallbackAnswerFunction"}
        names_a_route = re.search(r"/(GET|POST|PUT|PATCH|DELETE)/[a-z.]", arn)
        one_route = names_a_route or (may_be_open and arn)
        model.expect(one_route, "W-28", f"template/{name}", "it does not name the one route that may call")


def queues(model):
    stack = model.template
    policies = {named(q): p["PolicyDocument"] for p in stack.of_type("AWS::SQS::QueuePolicy").values() for q in p["Queues"]}
    for name, queue in stack.of_type("AWS::SQS::Queue").items():
        where = f"template/{name}"
        encrypted = queue.get("SqsManagedSseEnabled") or queue.get("KmsMasterKeyId")
        model.expect(encrypted, "W-60", where, "it is not encrypted")
        kept = queue.get("MessageRetentionPeriod") == 1_209_600
        model.expect(kept, "W-60", where, "it does not keep messages for 14 days")
        tls = "aws:SecureTransport" in str(policies.get(name))
        model.expect(tls, "W-60", where, "it can be asked without TLS")
    for name, group in stack.of_type("AWS::Logs::LogGroup").items():
        model.expect(group.get("RetentionInDays"), "W-27", f"template/{name}", "its logs are kept for ever")
        model.expect(group.get("KmsKeyId"), "W-27", f"template/{name}", "its logs are not encrypted with a key of ours")

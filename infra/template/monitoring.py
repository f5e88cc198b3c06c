"""Alarms, the dashboard, and how the stacks fit together. W-60, W-70."""

import json
import re

from model import text_of

# What there must be an alarm on, as namespace and metric.
WATCHED = {
    "AWS/Lambda Errors", "AWS/Lambda Throttles", "AWS/Lambda Duration", "AWS/SQS ApproximateNumberOfMessagesVisible",
    "AWS/ApiGateway 5xx", "AWS/ApiGateway 4xx", "AWS/ApiGateway Latency",
    "AWS/DynamoDB SystemErrors", "AWS/DynamoDB UserErrors", "AWS/DynamoDB ThrottledRequests",
    "AWS/DynamoDB TransactionConflict", "AWS/SES Reputation.BounceRate", "AWS/SES Reputation.ComplaintRate",
    "AWS/Backup NumberOfBackupJobsCompleted",
}

# Metrics of the tasks' own reports. Whoever reports nothing has not run, so missing data alarms, too, for each task.
PROMISES = {
    ("retention-plan", "overdue"), ("erasure-purge", "oldest_job_seconds"), ("mail-retry", "oldest_mail_seconds"),
    ("mail-retry", "unknown"), ("ledger-seal", "oldest_entry_seconds"), ("ledger-verify", "failures"),
    ("keys-warn", "warned"), ("invitations-expire", "deleted"),
}
EVENTS = {"Backup Job State Change", "Copy Job State Change", "Restore Job State Change", "AWS API Call via CloudTrail"}

# What the dashboard shows, each by a word that is in a widget's title or metrics.
SHOWN = {
    "AWS/ApiGateway", "Resource=auth", "AWS/Lambda", "ConcurrentExecutions", "AWS/DynamoDB", "overdue", "oldest_job_seconds",
    "oldest_mail_seconds", "oldest_entry_seconds", "DeadLettersName", "AWS/Usage",
}

# What whoever deploys gives to a stack; every other parameter is an output of another stack.
GIVEN = {
    "Profile", "PublicOrigin", "MailFrom", "RootKeyCiphertext", "TokenPublicKeys", "TokenSigningKeyCiphertext",
    "LedgerVerifierKey", "LedgerSigningKeyCiphertext", "PublicDomain", "PublicCertificateArn", "OriginSecret",
}


def check(model):
    stack = model.monitoring
    alarms = stack.of_type("AWS::CloudWatch::Alarm")
    watched = set()
    for name, alarm in alarms.items():
        where = f"monitoring/{name}"
        tells = alarm.get("AlarmActions") == [{"Ref": "Alerts"}] and alarm.get("ActionsEnabled", True) is True
        model.expect(tells, "W-70", where, "it tells nobody")
        model.expect("TreatMissingData" in alarm, "W-70", where, "it does not say what missing data means")
        watched |= metrics(alarm)
    missing = WATCHED - watched
    model.expect(not missing, "W-70", "monitoring", f"nothing watches {sorted(missing)}")
    promises(model, alarms)
    events(model)
    topic(model)
    dashboard(model)
    parameters(model)


def metrics(alarm):
    """Namespace and name of what an alarm looks at."""
    found = {f"{alarm['Namespace']} {alarm['MetricName']}"} if "MetricName" in alarm else set()
    for metric in alarm.get("Metrics", []):
        if "MetricStat" in metric:
            found.add(f"{metric['MetricStat']['Metric']['Namespace']} {metric['MetricStat']['Metric']['MetricName']}")
        for name, namespace in re.findall(r'SELECT \w+\((\w+)\) FROM SCHEMA\("([^"]+)"', metric.get("Expression", "")):
            found.add(f"{namespace} {name}")
    return found


def promises(model, alarms):
    found, awake = set(), set()
    for name, alarm in alarms.items():
        if alarm.get("Namespace") != "Trackwell":
            continue
        where = f"monitoring/{name}"
        dimensions = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
        task = dimensions.get("Task")
        found.add((task, alarm["MetricName"]))
        complete = dimensions.get("Profile") == {"Ref": "Profile"} and len(dimensions) == 2
        model.expect(complete, "W-70", where, f"its dimensions are {sorted(dimensions)}")
        model.expect(model.tasks().get(task), "W-70", where, f"no task {task} runs on a schedule")
        if alarm["TreatMissingData"] == "breaching":
            awake.add(task)
    asleep = {task for task, _ in PROMISES} - awake
    model.expect(not asleep, "W-70", "monitoring", f"that {sorted(asleep)} do not run is no alarm")
    model.expect(found == PROMISES, "W-70", "monitoring", f"the promises' alarms differ in {sorted(found ^ PROMISES)}")


def events(model):
    found = set()
    for name, rule in model.monitoring.of_type("AWS::Events::Rule").items():
        where = f"monitoring/{name}"
        tells = [t["Arn"] for t in rule.get("Targets", [])] == [{"Ref": "Alerts"}] and rule.get("State") != "DISABLED"
        model.expect(tells, "W-70", where, "it tells nobody")
        pattern = rule["EventPattern"]
        found |= {kind for p in (pattern, *pattern.get("$or", [])) for kind in p.get("detail-type", [])}
    model.expect(found == EVENTS, "W-70", "monitoring", f"its rules differ in {sorted(found ^ EVENTS)}")


def topic(model):
    for name, properties in model.monitoring.of_type("AWS::SNS::Topic").items():
        model.expect(properties.get("KmsMasterKeyId"), "W-60", f"monitoring/{name}", "it is not encrypted")
    for name, policy in model.monitoring.of_type("AWS::SNS::TopicPolicy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            bound = statement["Effect"] == "Deny" or "aws:SourceAccount" in json.dumps(statement.get("Condition"))
            model.expect(bound, "W-60", f"monitoring/{name}", "another account may publish")


def dashboard(model):
    (name, properties), = model.monitoring.of_type("AWS::CloudWatch::Dashboard").items()
    where, body = f"monitoring/{name}", text_of(properties["DashboardBody"])
    try:
        widgets = json.loads(body)["widgets"]
    except ValueError as error:
        model.expect(False, "W-70", where, f"it is not JSON: {error}")
        return
    absent = {word for word in SHOWN if word not in body}
    model.expect(not absent, "W-70", where, f"it does not show {sorted(absent)}")
    # The width of a row is 24.
    wide = [w for w in widgets if w["x"] + w["width"] > 24]
    model.expect(not wide, "W-70", where, "a widget is beside the board")


def parameters(model):
    """The outputs of a stack have the names of the parameters of those that need them."""
    known = {"data": set(), "backup": {"data"}, "template": {"data"}, "edge": {"template"}, "monitoring": set(model.stacks)}
    for stack in model.stacks.values():
        given = {output for other in known[stack.name] for output in model.stacks[other].outputs}
        needed = {name for name, parameter in stack.parameters.items() if "Default" not in parameter}
        lacking = needed - given - GIVEN
        model.expect(not lacking, "OWN-names", stack.name, f"no stack before it has the outputs {sorted(lacking)}")
    taken = {name for stack in model.stacks.values() for name in stack.parameters}
    for output in model.data.outputs:
        used = output in taken or output.startswith("MailDkim")
        model.expect(used, "OWN-names", f"data/{output}", "no stack takes this output")

"""Every policy document of the templates as it will be deployed: what a linter of policies, and IAM's limits, look at."""

import json
import re

from model import listed

PSEUDO = {
    "AWS::Partition": "aws", "AWS::Region": "eu-west-1", "AWS::AccountId": "123456789012", "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "trackwell",
}
ARNS = {
    "AWS::KMS::Key": "arn:aws:kms:eu-west-1:123456789012:key/1b2c3d4e-0000-4000-8000-000000000000",
    "AWS::S3::Bucket": "arn:aws:s3:::trackwell-{}-123456789012-eu-west-1",
    "AWS::SQS::Queue": "arn:aws:sqs:eu-west-1:123456789012:trackwell-{}-abcdefghijkl",
    "AWS::SNS::Topic": "arn:aws:sns:eu-west-1:123456789012:trackwell-{}-abcdefghijkl",
    "AWS::Lambda::Function": "arn:aws:lambda:eu-west-1:123456789012:function:trackwell-{}-abcdefghijkl",
}
GIVEN = {
    "MailFrom": "no-reply@mail.example.org",
    "CopyVaultArn": "arn:aws:backup:eu-central-1:123456789012:backup-vault:copies",
}


def deployed(stack, value):
    """A value with its intrinsic functions replaced by what they will about be. Conditions are taken to hold."""
    if isinstance(value, list):
        resolved = [deployed(stack, inner) for inner in value]
        return [inner for inner in resolved if inner is not None]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (name, argument), = value.items()
        if name == "Ref":
            return None if argument == "AWS::NoValue" else name_of(stack, argument)
        if name == "Fn::GetAtt":
            return name_of(stack, ".".join(listed(argument)))
        if name == "Fn::If":
            return deployed(stack, argument[1])
        if name == "Fn::Split":
            return deployed(stack, argument[1]).split(argument[0])
        if name == "Fn::Select":
            return deployed(stack, argument[1])[int(argument[0])]
        if name == "Fn::Sub":
            pattern, own = argument if isinstance(argument, list) else (argument, {})
            own = {key: deployed(stack, inner) for key, inner in own.items()}
            return re.sub(r"\$\{([^!}]+)\}", lambda m: own.get(m[1]) or name_of(stack, m[1]), pattern)
    resolved = {key: deployed(stack, inner) for key, inner in value.items()}
    return {key: inner for key, inner in resolved.items() if inner is not None}


def name_of(stack, name):
    if name in PSEUDO or name in GIVEN:
        return PSEUDO.get(name) or GIVEN[name]
    resource = stack.resources.get(name.removesuffix(".Arn"))
    if resource and (name.endswith(".Arn") or resource["Type"] == "AWS::SNS::Topic"):
        return ARNS.get(resource["Type"], "arn:aws:iam::123456789012:role/{}").format(name.removesuffix(".Arn").lower())
    if name.endswith("KeyArn"):
        return ARNS["AWS::KMS::Key"]
    return f"trackwell-{name.lower()}"


def documents(stack):
    """(where, document) of each policy that says who may do what; a role's trust policy has no resource and is not one."""
    for name, resource in stack.resources.items():
        properties = resource.get("Properties", {})
        inline = [policy["PolicyDocument"] for policy in properties.get("Policies", []) if isinstance(policy, dict)]
        own = [properties[key] for key in ("PolicyDocument", "KeyPolicy", "ResourcePolicy") if key in properties]
        for document in inline + own:
            yield f"{stack.name}/{name}", deployed(stack, document)


def inline_size(stack, role):
    """The characters of a role's inline policies as IAM counts them, white space aside."""
    policies = stack.resources[role]["Properties"].get("Policies", [])
    return sum(len(re.sub(r"\s", "", json.dumps(deployed(stack, p["PolicyDocument"])))) for p in policies)

"""The templates as CloudFormation sees them, and what all checks of them have in common."""

import json
import logging
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]

# The stacks in the order in which they are deployed, and where each is written.
STACKS = {
    "data": "infra/data.yaml",
    "backup": "infra/backup.yaml",
    "template": "template.yaml",
    "edge": "infra/edge.yaml",
    "monitoring": "infra/monitoring.yaml",
}
REGISTRY = "functions/src/registry"

# Given to stacks of data when they are deployed: nothing in them is replaced or deleted by an update.
STACK_POLICY = "infra/stages/protected.json"
DEPLOY = "infra/deploy.sh"


class Finding(NamedTuple):
    """What a check or a tool objects to: by which rule, where (stack/resource), and what it says."""

    rule: str
    where: str
    what: str


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


def named(value):
    """The logical id that a reference names."""
    return text_of(value).strip("${}").removesuffix(".Arn")


@lru_cache(maxsize=16)
def parsed(text):
    """A template's JSON; with SAM's transform, as CloudFormation expands it."""
    template = yaml_parse(text)
    if "Transform" in template:
        # Where the code lies is known after the upload only; any place does.
        template["Globals"]["Function"]["CodeUri"] = {"Bucket": "bucket", "Key": "key"}
        logging.disable(logging.CRITICAL)
        session = boto3.session.Session(region_name="eu-west-1")
        template = Translator({}, Parser(), boto_session=session).translate(template, parameter_values={})
    return json.dumps(template)


class Stack:
    """One template."""

    def __init__(self, name, text):
        self.name = name
        self.source = text
        self.template = json.loads(parsed(text))
        self.resources = self.template["Resources"]
        self.outputs = self.template.get("Outputs", {})
        self.parameters = self.template.get("Parameters", {})

    def of_type(self, kind):
        return {name: r.get("Properties", {}) for name, r in self.resources.items() if r["Type"] == kind}

    def only(self, kind):
        """The one resource of a kind."""
        (found,) = self.of_type(kind).items()
        return found


class Model:
    """All templates, and what is found in them."""

    def __init__(self, texts):
        self.stacks = {name: Stack(name, texts[path]) for name, path in STACKS.items()}
        self.data, self.backup, self.template, self.edge, self.monitoring = self.stacks.values()
        self.registry, self.stack_policy, self.deploy = (texts[path] for path in (REGISTRY, STACK_POLICY, DEPLOY))
        self.findings = []

    def expect(self, condition, rule, where, what):
        if not condition:
            self.findings.append(Finding(rule, where, what))

    def routes(self):
        """The registry's routes: logical id → (method and path, whether its rate is that of passwords and codes)."""
        found = {}
        for block in re.findall(r"^    [A-Z_]+ = Route \{(.*?)\.\.ROUTE", self.registry, re.S | re.M):
            name, method, path = (re.search(rf'\b{field}: "([^"]+)"', block) for field in ("name", "method", "path"))
            found[logical_id(name[1])] = (f"{method[1] if method else 'GET'} {path[1]}", "Rate::Sensitive" in block)
        return found

    def tasks(self):
        """The registry's tasks: name → whether it has a schedule."""
        blocks = re.findall(r"^    [A-Z_]+ = Task \{(.*?)\n    \}", self.registry, re.S | re.M)
        return {re.search(r'name: "([^"]+)"', b)[1]: "schedule: Some" in b for b in blocks}


def logical_id(name):
    return "".join(word[:1].upper() + word[1:] for word in name.split("-")) + "Function"


def load():
    texts = {path: (ROOT / path).read_text() for path in [*STACKS.values(), STACK_POLICY]}
    texts[REGISTRY] = "".join(path.read_text() for path in sorted((ROOT / REGISTRY).glob("*.rs")))
    return texts | {DEPLOY: (ROOT / DEPLOY).read_text() if (ROOT / DEPLOY).exists() else ""}

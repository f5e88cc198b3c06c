"""How large the template of the functions is, and will be."""

import json

from policies import inline_size
from model import named

MAX_RESOURCES = 450
MAX_BYTES = 700 * 1024
PLANNED_FUNCTIONS = 140


def length(value):
    return len(json.dumps(value, separators=(",", ":")).encode())


def figures(stack):
    """Resources and bytes now, and at the number of functions that is planned."""
    functions = stack.of_type("AWS::Lambda::Function")
    _, api = stack.only("AWS::ApiGatewayV2::Api")
    own = {n: r for n, r in stack.resources.items() if any(n.startswith(f) for f in functions)}
    now = (len(functions), len(stack.resources), length(stack.template))
    share = len(functions) or 1
    each, each_bytes = len(own) / share, (length(own) + length(api["Body"]["paths"])) / share
    fixed, fixed_bytes = now[1] - len(own), now[2] - each_bytes * share
    planned = [(count, round(fixed + each * count), round(fixed_bytes + each_bytes * count))
               for count in (PLANNED_FUNCTIONS, PLANNED_FUNCTIONS + share)]
    return [now, *planned]


def check(model):
    _, (count, resources, size), _ = figures(model.template)
    model.expect(resources <= MAX_RESOURCES, "OWN-size", "template", f"{count} functions make {resources} resources")
    model.expect(size <= MAX_BYTES, "OWN-size", "template", f"{count} functions make {size} bytes")


def report(model):
    kb = lambda size: f"{size / 1024:.0f} KB"
    (count, resources, size), *planned = figures(model.template)
    print(f"template.yaml now: {count} functions, {resources} resources, {kb(size)} expanded (compact JSON)")
    for count, resources, size in planned:
        over = "" if resources <= MAX_RESOURCES and size <= MAX_BYTES else " (above our limit)"
        print(f"projected for {count} functions of today's kinds: {resources} resources, {kb(size)}{over}")
    print(f"our limits: {MAX_RESOURCES} resources, {kb(MAX_BYTES)}; CloudFormation's: 500 and 1024 KB")
    for name, stack in model.stacks.items():
        if name != "template":
            print(f"{name}: {len(stack.resources)} resources, {kb(len(stack.source.encode()))}")
    roles = {named(f["Role"]) for f in model.template.of_type("AWS::Lambda::Function").values()}
    largest = max(roles, key=lambda role: inline_size(model.template, role))
    print(f"largest inline policies: {inline_size(model.template, largest)} characters, {largest}")

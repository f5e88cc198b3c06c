"""The events of tests/events, each run by Lambda's runtime emulator as `sam local invoke` runs them, without Docker."""

import json
import subprocess

from deployment import ROOT
from emulator import REGION, Failed

# What each must be answered with: the status of a route, or the members of a task's answer.
EXPECTED = {
    "auth-login": 422, "fallback-answer": 404, "jwks-get": 200, "ledger-get": 200, "mail-retry": None, "openapi-get": 200,
    "policy-get": 200, "records-create": 401, "records-get": 401, "records-list": 401, "retention-plan": None,
}


def run(deployment, rie, say):
    files = {path.stem: path for path in sorted((ROOT / "tests/events").glob("*.json"))}
    if files.keys() != EXPECTED.keys():
        raise Failed(f"tests/events and its expectations differ by {sorted(files.keys() ^ EXPECTED.keys())}")
    for name, path in files.items():
        answer = invoke(deployment, rie, name, path)
        expected = EXPECTED[name]
        if expected is None:
            if not isinstance(answer, dict) or "errorType" in answer:
                raise Failed(f"{name}: {answer}")
            say(f"{name}: {json.dumps(answer)}")
        else:
            json.loads(answer["body"])
            if answer["statusCode"] != expected:
                raise Failed(f"{name}: expected {expected}, found {answer}")
            say(f"{name}: {expected}, {len(answer['body'])} bytes of {answer['headers']['content-type']}")


def invoke(deployment, rie, name, event):
    """Runs a function as it is deployed: with the environment that the deployment gives it."""
    logical_id = "".join(word.capitalize() for word in name.split("-")) + "Function"
    function = deployment.emulator.rest(
        "lambda", "GET", f"/2015-03-31/functions/{deployment.function(logical_id)}/configuration")
    environment = deployment.environment() | function["Environment"]["Variables"] | {
        "AWS_REGION": REGION, "RIE": str(rie), "BINARIES": str(deployment.binaries)}
    done = subprocess.run([ROOT / "infra/invoke.sh", name, event], env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{name}: {done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)

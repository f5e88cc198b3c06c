"""Deploys both stacks with the real SAM CLI, as an operator does, and completes what the emulator leaves out."""

import json
import os
import re
import subprocess
from pathlib import Path

from emulator import ACCOUNT, REGION, Failed

ROOT = Path(__file__).resolve().parents[2]
PROFILE = "trackado"
HOST = "api.trackwell.test"
STACK, DATA_STACK = "trackwell", "trackwell-data"
UPLOADS = "trackwell-e2e-uploads"


class Deployment:
    """What is deployed: names by logical ids, and where the API answers."""

    def __init__(self, emulator, sam, local, binaries):
        self.emulator, self.sam_cli, self.local, self.binaries = emulator, sam, local, binaries
        self.folder = emulator.folder
        self.outputs = {}
        self.resources = {}
        self.template = {}
        self.verifier_key = None

    def deploy(self, say):
        place = f"<CreateBucketConfiguration><LocationConstraint>{REGION}</LocationConstraint></CreateBucketConfiguration>"
        status, _, body = self.emulator.request("PUT", f"/{UPLOADS}", place, service="s3")
        if status != 200:
            raise Failed(f"the bucket for uploads is not made: {status} {body!r}")
        say("sam deploy infra/data.yaml")
        self.deploy_data(say)
        say("local keys: made in memory, encrypted by KMS")
        keys = self.make_keys()
        say("sam build, one binary each")
        built = self.folder / "build"
        self.sam("build", "--build-dir", built, "--cache-dir", self.folder / "cache", "--parallel",
                 env={"BINARIES": str(self.binaries)})
        say("sam deploy template.yaml")
        parameters = {
            "$include": f"file://{keys}", **self.outputs, "Profile": PROFILE, "PublicOrigin": f"https://{HOST}",
            "MailFrom": f"no-reply@{HOST}", "Architecture": os.uname().machine.replace("aarch64", "arm64"),
        }
        self.sam_deploy(built / "template.yaml", STACK, parameters, say)
        self.outputs.update(self.outputs_of(STACK))
        self.read_stack()
        say(f"{self.create_routes()} routes created from the processed template, because the emulator ignores the Body")

    def deploy_data(self, say):
        # A test's ledger need not outlive it. Without MailDomain, because the emulator's identities have no DKIM tokens to
        # put out, as those of AWS have.
        self.sam_deploy(ROOT / "infra/data.yaml", DATA_STACK, {"LedgerLockMode": "GOVERNANCE"}, say)
        self.outputs = self.outputs_of(DATA_STACK)
        # SES sends only from identities that are verified. On AWS that takes DNS records; the emulator verifies at once.
        self.emulator.request("POST", "/v2/email/identities", json.dumps({"EmailIdentity": HOST}),
                              {"Content-Type": "application/json"}, "ses")

    def make_keys(self):
        # SAM reads parameters from YAML files, and JSON is YAML.
        path = self.folder / "keys.yaml"
        arguments = [f"--{name}-key={self.outputs[output]}" for name, output in
                     (("data", "DataKeyArn"), ("token", "TokenKeyArn"), ("ledger", "LedgerKeyArn"))]
        command = [self.local, "keys", "--profile", PROFILE, "--origin", HOST, *arguments,
                   "--endpoint", self.emulator.endpoint, "--out", path]
        run(command, self.environment())
        again = subprocess.run(command, env=self.environment(), capture_output=True)
        if again.returncode != 2:
            raise Failed(f"keys of a deployment can be overwritten: {again}")
        self.verifier_key = json.loads(path.read_text())["LedgerVerifierKey"]
        return path

    def sam_deploy(self, template, stack, parameters, say):
        """`sam deploy`; without the types of resources that the emulator does not know, which it says are left out."""
        path = self.folder / f"{stack}-parameters.yaml"
        path.write_text(json.dumps(parameters))
        arguments = ["--stack-name", stack, "--s3-bucket", UPLOADS, "--s3-prefix", stack, "--capabilities", "CAPABILITY_IAM",
                     "--no-confirm-changeset", "--no-progressbar", "--parameter-overrides", f"file://{path}"]
        try:
            return self.sam("deploy", "--template-file", template, *arguments)
        except Failed as failure:
            unknown = re.search(r"Unrecognized resource types: \[([^\]]+)\]", str(failure))
            if not unknown:
                raise
        types = [name.strip() for name in unknown[1].split(",")]
        # AWS is right: cfn-lint has checked every type against the specification of the region.
        say(f"left out, because the emulator does not know them: {', '.join(types)}")
        # Beside the built template, whose paths are relative to it; but nothing is written beside our own.
        place = template.parent if template.is_relative_to(self.folder) else self.folder
        fewer = place / f"{stack}-fewer.yaml"
        fewer.write_text(without(template.read_text(), types))
        return self.sam("deploy", "--template-file", fewer, *arguments)

    def sam(self, command, *arguments, env=None):
        return run([self.sam_cli, command, "--region", REGION, *arguments], self.environment() | (env or {}))

    def environment(self):
        """Credentials that are worth nothing anywhere, and no way to any others."""
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.folder), "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": self.emulator.endpoint, "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true", "SAM_CLI_TELEMETRY": "0", "LC_ALL": "C.UTF-8",
        }

    def outputs_of(self, stack):
        described = self.emulator.query("cloudformation", "DescribeStacks", StackName=stack)
        return {e.findtext("OutputKey"): e.findtext("OutputValue") for e in described.iter("member")
                if e.findtext("OutputKey")}

    def read_stack(self):
        """The processed template, and the physical ids of what was made of it."""
        answer = self.emulator.query("cloudformation", "GetTemplate", StackName=STACK, TemplateStage="Processed")
        self.template = json.loads(answer.findtext(".//TemplateBody"))
        listed = self.emulator.query("cloudformation", "DescribeStackResources", StackName=STACK)
        self.resources = {e.findtext("LogicalResourceId"): e.findtext("PhysicalResourceId") for e in listed.iter("member")}

    def of_type(self, kind):
        """The logical ids of the resources of a type."""
        return sorted(name for name, resource in self.template["Resources"].items() if resource["Type"] == kind)

    def function(self, logical_id):
        """The physical name of a function."""
        return self.resources[logical_id]

    def create_routes(self):
        """The emulator ignores the Body of an HTTP API, from which AWS makes routes and integrations. AWS is right."""
        api, made = self.outputs["ApiId"], 0
        for path, methods in self.template["Resources"]["Api"]["Properties"]["Body"]["paths"].items():
            for method, operation in methods.items():
                integration = operation["x-amazon-apigateway-integration"]
                logical_id = re.search(r"\$\{(\w+)\.Arn\}", json.dumps(integration["uri"]))[1]
                arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function(logical_id)}"
                answer = self.emulator.rest("apigateway", "POST", f"/v2/apis/{api}/integrations", {
                    "integrationType": "AWS_PROXY", "integrationUri": arn,
                    "payloadFormatVersion": integration["payloadFormatVersion"]})
                verb = method.upper().replace("X-AMAZON-APIGATEWAY-ANY-METHOD", "ANY")
                key = "$default" if operation.get("isDefaultRoute") else f"{verb} {path}"
                self.emulator.rest("apigateway", "POST", f"/v2/apis/{api}/routes", {
                    "routeKey": key, "target": f"integrations/{answer['integrationId']}"})
                made += 1
        return made

    def invoke(self, logical_id, event):
        """Invokes a function by hand, as an operator does, and returns its answer."""
        status, headers, body = self.emulator.request(
            "POST", f"/2015-03-31/functions/{self.function(logical_id)}/invocations", json.dumps(event), service="lambda")
        if status != 200 or "x-amz-function-error" in headers:
            raise Failed(f"{logical_id}: {status} {headers.get('x-amz-function-error')} {body[:500]!r}")
        return json.loads(body)


def run(command, environment):
    """Runs a command, and fails with what it wrote."""
    done = subprocess.run([str(part) for part in command], env=environment, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        what = " ".join(str(part) for part in command[:2])
        raise Failed(f"{what}: exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def without(template, types):
    """A template without the resources of some types, and without the outputs that name them. It works on the text,
    where resources and outputs begin at an indentation of two."""
    blocks = re.split(r"(?m)^(?=  \w)", template)
    gone = {block.split(":")[0].strip() for block in blocks
            if any(re.search(rf"(?m)^    Type: {re.escape(kind)}$", block) for kind in types)}
    kept, outputs = [], False
    for block in blocks:
        name = block.split(":")[0].strip()
        refers = any(re.search(rf"\b{re.escape(other)}\b", block) for other in gone)
        # The head of the next section stands at the end of the block before it.
        head = re.search(r"(?m)^\w[\s\S]*", block)
        if name not in gone and not (outputs and refers):
            kept.append(block)
        elif head:
            kept.append(head[0])
        outputs = outputs or bool(re.search(r"(?m)^Outputs:", block))
    return "".join(kept)

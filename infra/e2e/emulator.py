"""The AWS emulator as a process of ours, and the few calls of AWS that the test needs, with the standard library only."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import xml.etree.ElementTree as XML
from pathlib import Path

REGION = "eu-west-1"
ACCOUNT = "000000000000"
READY_WITHIN_SECONDS = 60


class Failed(Exception):
    """What was found is not what must be."""


class Emulator:
    """A running emulator, in a session of its own with all functions that it starts."""

    def __init__(self, python, folder):
        self.folder = folder
        self.log = folder / "emulator.log"
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        # Functions inherit the emulator's environment, so it gets nothing that it does not need. IoT would listen on
        # another port, on every interface.
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(made(folder / "tmp")),
            "STATE_DIR": str(folder / "state"), "S3_DATA_DIR": str(folder / "s3"), "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port), "AWS_ENDPOINT_URL": self.endpoint, "MINISTACK_REGION": REGION,
            "IOT_MTLS_ENABLED": "0",
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [python, "-m", "ministack"], env=environment, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True)

    def wait_until_ready(self):
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                status, _, body = self.request("GET", "/_ministack/ready")
                if status == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise Failed(f"the emulator is not ready; its log is {self.log}")

    def stop(self):
        """Ends the emulator with everything that it started."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
                self.process.wait(timeout=5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue

    def tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def written(self):
        """What the functions wrote to their log groups, oldest first."""
        events = []
        for group in self.target("logs", "Logs_20140328.DescribeLogGroups", {})["logGroups"]:
            page = {"logGroupName": group["logGroupName"]}
            while page.get("nextToken", True):
                found = self.target("logs", "Logs_20140328.FilterLogEvents", page)
                events += [(event["timestamp"], event["message"].strip()) for event in found["events"]]
                page["nextToken"] = found.get("nextToken")
        # Lambda's own lines about each invocation are not interesting.
        return [message for _, message in sorted(events) if message.startswith("{")]

    def listening(self):
        """The addresses that the emulator and its functions listen on, from the kernel's own tables."""
        inodes = set()
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and session_of(process) == self.process.pid:
                inodes |= sockets_of(process)
        found = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            if not Path(table).exists():
                continue
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and fields[9] in inodes:
                    found.add(address_of(fields[1]))
        return found

    def request(self, method, path, body=None, headers=None, service=None, timeout=60):
        """One HTTP request; `service` is what the emulator routes it by, in place of a signature."""
        headers = dict(headers or {})
        if service:
            credential = f"test/20200101/{REGION}/{service}/aws4_request"
            headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()

    def rest(self, service, method, path, body=None):
        """A call of a REST service with JSON both ways."""
        text = None if body is None else json.dumps(body)
        status, _, answer = self.request(method, path, text, {"Content-Type": "application/json"}, service)
        if status >= 300:
            raise Failed(f"{service}: {method} {path}: {status} {answer[:500]!r}")
        return json.loads(answer or b"{}")

    def target(self, service, operation, body):
        """A call of a service that takes the operation's name in a header."""
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": operation}
        status, _, answer = self.request("POST", "/", json.dumps(body), headers, service)
        if status != 200:
            raise Failed(f"{operation}: {status} {answer[:500]!r}")
        return json.loads(answer or b"{}")

    def query(self, service, action, **parameters):
        """A call of a service that takes a form and answers XML; the answer comes without namespaces."""
        body = urllib.parse.urlencode({"Action": action, **parameters})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, _, answer = self.request("POST", "/", body, headers, service)
        if status != 200:
            raise Failed(f"{action}: {status} {answer[:500]!r}")
        return without_namespaces(answer)

    def items(self, table):
        """Every item of a table, as DynamoDB writes them."""
        found, start = [], {}
        while True:
            page = self.target("dynamodb", "DynamoDB_20120810.Scan", {"TableName": table, **start})
            found += page["Items"]
            if not page.get("LastEvaluatedKey"):
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def versions(self, bucket, prefix=""):
        """Every object version and delete marker of a bucket: (key, version, whether it is a marker)."""
        query = urllib.parse.urlencode({"versions": "", "prefix": prefix, "max-keys": 1000})
        status, _, body = self.request("GET", f"/{bucket}?{query}", service="s3")
        if status != 200:
            raise Failed(f"{bucket}: {status} {body[:500]!r}")
        root = without_namespaces(body)
        if root.findtext("IsTruncated") == "true":
            raise Failed(f"{bucket} has more than a page of versions; this lists one page only")
        return [(e.findtext("Key"), e.findtext("VersionId"), e.tag == "DeleteMarker")
                for e in root if e.tag in ("Version", "DeleteMarker")]

    def mails(self, address):
        """The texts of the mails to an address, oldest first."""
        _, _, body = self.request("GET", f"/_ministack/ses/messages?account={ACCOUNT}")
        mails = json.loads(body)["messages"].get(ACCOUNT, [])
        return [mail["BodyText"] for mail in mails if address in mail["To"]]

    def started(self):
        """The physical names of the functions that ran. On AWS the metric Invocations says it; the emulator counts there
        only what is invoked directly, and not what comes by API Gateway and Scheduler, so this reads its log."""
        return set(re.findall(r"environment spawned for (\S+) \(cold start\)", self.log.read_text(errors="replace")))

    def errors(self):
        """What the emulator itself could not do."""
        return [line for line in self.log.read_text(errors="replace").splitlines() if " ERROR " in line]


def made(folder):
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def without_namespaces(text):
    return XML.fromstring(re.sub(rb'\sxmlns="[^"]*"', b"", text))


def session_of(process):
    try:
        # The name in parentheses may hold anything; what follows its end does not.
        return int((process / "stat").read_text().rpartition(")")[2].split()[3])
    except OSError:
        return None


def sockets_of(process):
    try:
        links = [os.readlink(link) for link in (process / "fd").iterdir()]
    except OSError:
        return set()
    return {match[1] for link in links if (match := re.fullmatch(r"socket:\[(\d+)\]", link))}


def address_of(field):
    """An address as /proc/net/tcp writes it: words of four bytes, each in the machine's order."""
    host, _, port = field.partition(":")
    words = [bytes.fromhex(host[i:i + 8])[::-1] for i in range(0, len(host), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words)), int(port, 16)

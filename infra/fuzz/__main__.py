"""Runs schemathesis over everything that the local stack says it serves, with two organisations.

Twice: first over all operations but those that end the caller's own session, account or organisation, as Anna, with Bert
of another organisation trying each of her requests; then over these, each as somebody who is there for that.
"""

import argparse
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request

from customers import Customer, Failed

HERE = pathlib.Path(__file__).parent

# The operations that end the caller's session, account or organisation.
ENDS = "^(me-delete|auth-logout|organisation-(delete|cancel|resume))$"

# How many customers may be ended, how many whose organisation is closed already (only those may delete themselves), and
# how many who have cancelled (only those may resume).
OPEN, CLOSED, CANCELLED = 6, 3, 3

# So many findings of this program are shown; many are the same one in other words.
SHOWN = 40


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--local", required=True, help="the binary of the local stack")
    parser.add_argument("--folder", required=True, type=pathlib.Path, help="where logs and reports are kept")
    parser.add_argument("--examples", default="10", help="how many random requests each operation gets")
    arguments = parser.parse_args()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [arguments.local, "--profile", "trackado", "--port", str(port), "--ephemeral"]
    with open(arguments.folder / "server.log", "w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        return fuzz(f"http://127.0.0.1:{port}", arguments)
    finally:
        server.terminate()
        server.wait()


def fuzz(origin, arguments):
    wait_for(origin)
    customers = Customer(origin, "anna"), Customer(origin, "bert")
    anna, bert = customers
    ids, attached = anna.populate(12)
    others, _ = bert.populate(1)
    still_open = [Customer(origin, f"carl{number}") for number in range(OPEN)]
    closed = [Customer(origin, f"dora{number}") for number in range(CLOSED)]
    cancelled = [Customer(origin, f"emil{number}") for number in range(CANCELLED)]
    for customer in cancelled:
        customer.call("POST", "/v1/organisation/cancel", expected=200)
    # Everybody who has it may read about an erasure.
    ids["erasure_id"] = [
        customer.call("DELETE", "/v1/organisation", expected=202)["erasure_id"] for customer in closed]
    run = {
        "anna": {"authorization": anna.authorization, "ids": sum(ids.values(), []) + [attached]},
        "bert": {"authorization": bert.authorization, "ids": sum(others.values(), [])},
        "expendable": {"me-delete": [customer.authorization for customer in closed],
                       "organisation-resume": [customer.authorization for customer in cancelled],
                       "others": [customer.authorization for customer in still_open]},
    }
    sound = True
    for ends in (False, True):
        folder = arguments.folder / ("ends" if ends else "stays")
        folder.mkdir(exist_ok=True)
        config = folder / "schemathesis.toml"
        config.write_text(configuration(folder, customers, ids, attached))
        seen = folder / "seen.json"
        seen.write_text("{}")
        (folder / "run.json").write_text(json.dumps({**run, "ends": ends, "seen": str(seen)}))
        chosen = ["--include-operation-id-regex" if ends else "--exclude-operation-id-regex", ENDS]
        command = [sys.executable.replace("python", "st"), "--config-file", config, "run", f"{origin}/openapi.json"]
        examples = ["--max-examples", "3" if ends else arguments.examples]
        environment = {**os.environ, "TRACKWELL_FUZZ": str(folder / "run.json")}
        begun = time.monotonic()
        done = subprocess.run([*command, *chosen, *examples], cwd=HERE, env=environment)
        print(f"{folder.name}: {time.monotonic() - begun:.0f} s", flush=True)
        sound &= done.returncode == 0
        sound &= judge(json.loads(seen.read_text()), origin, ends)
        for customer in customers if not ends else ():
            # Whoever is signed out finds nothing, and nothing would say so.
            customer.call("GET", "/v1/me", expected=200)
    return 0 if sound else 1


def wait_for(origin):
    for _ in range(100):
        try:
            urllib.request.urlopen(f"{origin}/_local/clock", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise Failed("the stack does not answer")


def configuration(folder, customers, ids, attached):
    """The configuration with who the customers are and the ids of what Anna has."""
    users = [{"name": customer.word, "fixedHeaders": [{"name": "Authorization", "value": customer.authorization}]}
             for customer in customers]
    (folder / "auth.json").write_text(json.dumps({"auth": users}))
    anna, bert = customers
    lines = [
        (HERE / "schemathesis.toml").read_text(),
        f'[auth.wfc]\npath = "{folder}/auth.json"\nuser = "{anna.word}"\npeers = ["{anna.word}", "{bert.word}"]\n',
    ]
    for name, values in {**ids, "attached": [attached]}.items():
        lines.append(f"[dictionaries.{name}]\nvalues = {json.dumps(values)}\n")
    lines.append("[parameters]")
    lines += [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.8 }}' for name in ids]
    # An attachment is found below its own record only.
    lines.append('\n[[operations]]\ninclude-path-regex = "attachment_id"\n\n[operations.parameters]')
    lines += [f'"path.{name}" = {{ dictionary = "{source}", probability = 0.9 }}'
              for name, source in (("record_id", "attached"), ("attachment_id", "attachment_id"))]
    return "\n".join(lines) + "\n"


def judge(seen, origin, ends):
    """Whether the run reached what it is for."""
    document = json.load(urllib.request.urlopen(f"{origin}/openapi.json"))
    operations = {operation["operationId"]: (path, operation)
                  for path, item in document["paths"].items() for operation in item.values()}
    wrong = [f"refused without a reason: {what}" for what in seen.get("unexplained", [])]
    if ends:
        never = [name for name in operations if re.search(ENDS, name) and name not in seen.get("ended", [])]
        wrong += [f"{name} never succeeded: nothing was found out about it" for name in never]
    else:
        of_members = {name for name, (path, operation) in operations.items()
                      if "_id}" in path and operation["security"] != [] and not re.search(ENDS, name)}
        wrong += [f"{name} was never asked for another organisation's" for name in
                  sorted(of_members - set(seen.get("tenants", [])))]
        refusals = tomllib.loads((HERE / "refusals.toml").read_text())["refusal"]
        wrong += [f"refusals.toml: nothing was refused because {refusal['reason']}"
                  for number, refusal in enumerate(refusals) if number not in seen.get("refusals", [])]
    for line in wrong[:SHOWN]:
        print(f"FINDING: {line}", flush=True)
    if len(wrong) > SHOWN:
        print(f"and {len(wrong) - SHOWN} more", flush=True)
    return not wrong


try:
    sys.exit(main())
except Failed as error:
    sys.exit(f"A customer cannot do what customers do: {error}")

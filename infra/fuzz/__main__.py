"""Runs schemathesis over everything that the local stack says it serves, with two organisations.

Anna asks for everything, Bert of another organisation tries each of her requests, and whoever would end their own
session, account or organisation is there for that (estate.py).
"""

import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request

HERE = pathlib.Path(__file__).parent

# Operations that no request of a run succeeds with, and why.
UNREACHED = {"openapi-get": "Schemathesis leaves out where it has the document from."}

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
    operations = described(origin)
    people = {name: f"Bearer {name}" for name in ("anna", "bert")}
    config = arguments.folder / "schemathesis.toml"
    config.write_text(configuration(arguments.folder, people))
    seen = arguments.folder / "seen.json"
    seen.write_text("{}")
    command = [sys.executable.replace("python", "st"), "--config-file", config, "run", f"{origin}/openapi.json",
               "--max-examples", arguments.examples]
    run = json.dumps({"origin": origin, "seen": str(seen), **people})
    begun = time.monotonic()
    done = subprocess.run(command, cwd=HERE, env={**os.environ, "TRACKWELL_FUZZ": run})
    print(f"{time.monotonic() - begun:.0f} s", flush=True)
    is_sound = judge(json.loads(seen.read_text()), operations)
    return 0 if done.returncode == 0 and is_sound else 1


def described(origin):
    """Path and description of every operation, by its id."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"{origin}/openapi.json", timeout=5) as answer:
                document = json.load(answer)
            return {operation["operationId"]: (path, operation)
                    for path, item in document["paths"].items() for operation in item.values()}
        except OSError:
            time.sleep(0.1)
    sys.exit("The stack does not answer.")


def configuration(folder, people):
    """The configuration with marks for the tokens of the two customers."""
    users = [{"name": name, "fixedHeaders": [{"name": "Authorization", "value": mark}]}
             for name, mark in people.items()]
    (folder / "auth.json").write_text(json.dumps({"auth": users}))
    peers = f'[auth.wfc]\npath = "{folder}/auth.json"\nuser = "anna"\npeers = ["anna", "bert"]\n'
    return (HERE / "schemathesis.toml").read_text() + "\n" + peers


def judge(seen, operations):
    """Whether the run reached what it is for."""
    of_members = {name for name, (path, operation) in operations.items()
                  if "_id}" in path and operation["security"] != []}
    refusals = tomllib.loads((HERE / "refusals.toml").read_text())["refusal"]
    wrong = [f"refused without a reason: {what}" for what in seen.get("unexplained", [])]
    succeeded = set(seen.get("succeeded", []))
    wrong += [f"{name} never succeeded: nothing was found out about it"
              for name in sorted(operations.keys() - UNREACHED.keys() - succeeded)]
    wrong += [f"UNREACHED: {name} succeeded, or is no operation" for name in UNREACHED
              if name in succeeded or name not in operations]
    wrong += [f"{name} was never asked for another organisation's"
              for name in sorted(of_members - set(seen.get("tenants", [])))]
    wrong += [f"refusals.toml: nothing was refused because {refusal['reason']}"
              for number, refusal in enumerate(refusals) if number not in seen.get("refusals", [])]
    for line in wrong[:SHOWN]:
        print(f"FINDING: {line}", flush=True)
    if len(wrong) > SHOWN:
        print(f"and {len(wrong) - SHOWN} more", flush=True)
    return not wrong


sys.exit(main())

"""Deploys Trackwell into an emulator of AWS with the real SAM CLI, and takes a customer from sign-up to erasure.

Run by infra/e2e.sh, which installs and builds what this needs.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import coverage
import events
import journey
from client import Api
from deployment import ROOT, Deployment
from emulator import Emulator, Failed

BEGUN = time.monotonic()


def step(title):
    print(f"\n== {title} ({time.monotonic() - BEGUN:.0f} s)", flush=True)


def say(text):
    print(f"   {text}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--ministack-python", "--sam", "--rie", "--local", "--binaries", "--folder"):
        parser.add_argument(name, type=Path, required=True)
    return parser.parse_args()


def test(given, emulator):
    step("Start the emulator")
    emulator.wait_until_ready()
    only_loopback(emulator)

    step("Deploy")
    deployment = Deployment(emulator, given.sam, given.local, given.binaries)
    deployment.deploy(say)
    for what, kind in (("functions", "AWS::Lambda::Function"), ("schedules", "AWS::Scheduler::Schedule")):
        say(f"{len(deployment.of_type(kind))} {what}")

    api = Api(emulator, deployment.outputs["ApiId"])
    step("The smoke test that follows a deployment")
    smoke(emulator, api)
    step("Sign up")
    customer = journey.Journey(api, deployment, say)
    customer.sign_up()
    customer.other_sign_up()
    step("Work")
    customer.work()
    customer.attach()
    step("Colleagues")
    customer.colleagues()
    step("Tenants and storage")
    customer.tenants()
    customer.stored_sealed()
    step("Leave")
    customer.leave()

    step("Every route, while the schedules finish the erasures")
    coverage.routes(api, say)
    step("Events of tests/events, in Lambda's runtime emulator of the SAM CLI")
    events.run(deployment, given.rie, say)
    only_loopback(emulator)

    step("Receipts")
    for what, receipt in customer.sealed().items():
        prove(given, deployment, journey.save(receipt, emulator.folder / f"receipt-{what}.json"))
    ledger = api.call("GET", "/v1/ledger").json()
    say(f"the ledger's key: {ledger['verifier_key']}")
    step("Nothing left")
    customer.nothing_left()
    step("The tasks that nobody waits for, and what ran")
    unit = customer.other.call("GET", "/v1/organisation").json()["id"] + ".content"
    coverage.tasks(deployment, unit, json.loads((ROOT / "tests/events/retention-plan.json").read_text()), say)
    coverage.functions(deployment, say)


def only_loopback(emulator):
    listening = sorted(emulator.listening())
    elsewhere = [address for address in listening if address[0] not in ("127.0.0.1", "::1")]
    if elsewhere or not listening:
        raise Failed(f"the emulator listens on {elsewhere or 'nothing'}")
    say(f"{len(listening)} sockets listen, all on loopback")


def smoke(emulator, api):
    """infra/smoke.sh, as infra/deploy.sh runs it, and once more at an address where nothing answers as it must."""
    script = ROOT / "infra/smoke.sh"
    host = {"PATH": os.environ["PATH"], "SMOKE_CURL_OPTIONS": f"-H Host:{api.host}"}
    done = subprocess.run([script, emulator.endpoint], env=host, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"the smoke test fails:\n{done.stdout}{done.stderr}")
    say(f"{done.stdout.count('ok  ')} answers are as they must be")
    nowhere = subprocess.run([script, emulator.endpoint], env=host | {"SMOKE_CURL_OPTIONS": ""}, capture_output=True)
    if nowhere.returncode != 1:
        raise Failed(f"the smoke test passes where there is no API: {nowhere}")


def prove(given, deployment, receipt):
    command = [given.local, "verify", receipt, "--key", deployment.verifier_key]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"{receipt} is not proved: {done.stderr}")
    say(done.stdout.strip().replace("\n", "\n   "))


def main():
    given = arguments()
    # So that the emulator is stopped on every way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    emulator = Emulator(given.ministack_python, given.folder)
    try:
        test(given, emulator)
    except Failed as failure:
        print(f"\nE2E FAILED: {failure}\n\nThe emulator's log ends with:\n{emulator.tail()}", file=sys.stderr)
        if emulator.process.poll() is None:
            print("\nThe functions wrote last:", *emulator.written()[-20:], sep="\n", file=sys.stderr)
        return 1
    finally:
        emulator.stop()
        # What was deployed is half a gigabyte of binaries; only the logs are worth keeping.
        for name in ("build", "cache", "tmp", "s3"):
            shutil.rmtree(given.folder / name, ignore_errors=True)
    print(f"\nDeployed and proved in {time.monotonic() - BEGUN:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

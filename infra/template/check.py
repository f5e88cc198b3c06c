"""Checks the templates against our own rules, and judges what the linters found.

`check.py expand FOLDER` writes there what the linters look at. `check.py judge FOLDER` reads what they found, adds what our
own rules find, leaves out what skips.toml gives a reason for, and prints the rest and the figures. It exits with 1 when
there is a finding; a skip that fits nothing or has no reason is one, and so is a line of coverage.toml that is not true.
"""

import json
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import api
import data
import edge
import functions
import monitoring
import size
from model import ROOT, Finding, Model, load
from policies import deployed, documents

SUBJECTS = (functions, api, data, edge, monitoring, size)
HERE = Path(__file__).resolve().parent


def run(texts):
    """What our own rules find."""
    model = Model(texts)
    for subject in SUBJECTS:
        subject.check(model)
    return model


def expand(model, folder):
    (folder / "deployed").mkdir()
    for name, stack in model.stacks.items():
        (folder / f"{name}.json").write_text(json.dumps(stack.template, indent=1))
        # checkov gives up on a policy that has a function of CloudFormation in it.
        (folder / f"deployed/{name}.json").write_text(json.dumps({"Resources": deployed(stack, stack.resources)}))
    found = [document for stack in model.stacks.values() for document in documents(stack)]
    (folder / "policies.json").write_text(json.dumps(found))
    print(f"{len(model.stacks)} templates and {len(found)} policy documents")


def of_cfn_lint(path):
    found = []
    for match in json.loads(path.read_text()):
        steps = [str(step) for step in match["Location"]["Path"] or []]
        where = f"{Path(match['Filename']).stem}/{steps[1] if steps[:1] == ['Resources'] else '/'.join(steps[:2])}"
        found.append(Finding(match["Rule"]["Id"], where, match["Message"]))
    return found


def of_checkov(path):
    """What checkov found, and which of its rules looked at something."""
    results = json.loads(path.read_text())["results"]
    looked = {check["check_id"] for outcome in ("passed_checks", "failed_checks") for check in results[outcome]}
    found = []
    for failed in results["failed_checks"]:
        where = f"{Path(failed['file_path']).stem}/{failed['resource'].split('.', 1)[-1]}"
        found.append(Finding(failed["check_id"], where, failed["check_name"]))
    return found, looked


def of_parliament(path):
    return [Finding(*finding) for finding in json.loads(path.read_text())]


def skips():
    with open(HERE / "skips.toml", "rb") as file:
        return tomllib.load(file)["skip"]


def excused(findings, skips):
    """The findings without those that a skip gives a reason for, and with those that the skips themselves are."""
    used = [0] * len(skips)
    left = []
    for finding in findings:
        fits = [n for n, skip in enumerate(skips) if applies(skip, finding)]
        for number in fits:
            used[number] += 1
        if not fits:
            left.append(finding)
    for skip, count in zip(skips, used):
        name = f"{skip.get('rule')} of {skip.get('resources')}"
        if not skip.get("reason", "").strip():
            left.append(Finding("OWN-skips", "skips.toml", f"the skip of {name} has no reason"))
        if not count:
            left.append(Finding("OWN-skips", "skips.toml", f"the skip of {name} fits no finding"))
    return left, list(zip(skips, used))


def applies(skip, finding):
    return (
        skip.get("rule") == finding.rule
        and any(fnmatchcase(finding.where, pattern) for pattern in skip.get("resources", []))
        and skip.get("about", "") in finding.what
    )


def uncovered(coverage, looked, planted):
    """Lines of coverage.toml that are not true."""
    tests = "".join(path.read_text() for path in (ROOT / "tests/all").rglob("*.rs"))
    for line, means in coverage.items():
        for mean in means:
            kind, _, rest = mean.partition(": ")
            true = {
                "own": line in planted,
                "parliament": True,
                "cfn-lint": True,
                "test": f"fn {rest.split('::')[-1]}(" in tests,
                "outside": bool(rest),
            }.get(kind, mean in looked)
            if not true:
                yield Finding("OWN-coverage", line, f"nothing checks it by {mean}")
    for rule in planted:
        if rule.startswith("W-") and "own" not in coverage.get(rule, []):
            yield Finding("OWN-coverage", rule, "coverage.toml does not say that a rule of ours checks it")


def judge(model, folder):
    with open(HERE / "coverage.toml", "rb") as file:
        coverage = tomllib.load(file)
    from faults import RULES

    found, looked = of_checkov(folder / "checkov.json")
    found += of_cfn_lint(folder / "cfn-lint.json") + of_parliament(folder / "parliament.json")
    findings, used = excused([*model.findings, *found, *uncovered(coverage, looked, RULES)], skips())
    for finding in findings:
        print(f"FINDING {finding.rule} {finding.where}: {finding.what}")
    for line, means in coverage.items():
        print(f"{line}  {', '.join(means)}")
    size.report(model)
    print(f"{len(looked)} rules of checkov looked at something")
    print(f"{len(used)} skips excuse {sum(count for _, count in used)} findings:")
    for skip, count in used:
        print(f"  {count:3} × {skip['rule']}: {' '.join(skip['reason'].split())}")
    print(f"{len(findings)} findings")
    return 1 if findings else 0


def main():
    step, folder = sys.argv[1], Path(sys.argv[2])
    model = run(load())
    return expand(model, folder) if step == "expand" else judge(model, folder)


if __name__ == "__main__":
    sys.exit(main())

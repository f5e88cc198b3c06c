"""Plants faults in the templates, one at a time, and sees that they are found: a gate that cannot fail is none.

Without arguments our own rules must find theirs. `faults.py plant FOLDER` writes templates and policies with faults for
checkov and parliament there, and `faults.py found FOLDER` sees that these tools found them.
"""

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import check
from model import STACK_POLICY, STACKS, Stack, load
from planted import BACKUP, DATA, EDGE, LINTERS, MONITORING, POLICY, TEMPLATE

PLANTED = [
    (path, *fault)
    for path, faults in (
        (STACKS["template"], TEMPLATE), (STACKS["data"], DATA), (STACKS["backup"], BACKUP), (STACKS["edge"], EDGE),
        (STACKS["monitoring"], MONITORING), (STACK_POLICY, POLICY),
    )
    for fault in faults
]
RULES = {rule for _, rule, _, _, _ in PLANTED}


def missed(fault):
    """Why our own rules did not find a fault; nothing when they did."""
    path, rule, old, new, expected = fault
    texts = load()
    if old not in texts[path]:
        return f"{path}: there is no {old!r} to replace"
    texts[path] = texts[path].replace(old, new, 1)
    findings = check.run(texts).findings
    if any(finding.rule == rule and expected in finding.what for finding in findings):
        return None
    return f"{path}: {new!r} for {old!r} was not found by {rule}; what was: {findings}"


def own():
    with ProcessPoolExecutor(2) as pool:
        reasons = [reason for reason in pool.map(missed, PLANTED, chunksize=4) if reason]
    for reason in reasons:
        print(f"FINDING faults.py: {reason}")
    print(f"our own rules found {len(PLANTED) - len(reasons)} of {len(PLANTED)} planted faults")
    return 1 if reasons else 0


def plant(folder):
    """What each fault changed, as a template of its own, so that one run of each tool does for all."""
    texts = load()
    documents = []
    for number, (tool, stack, old, new, _) in enumerate(LINTERS):
        text, name = texts[STACKS[stack]], f"fault-{number}"
        if old not in text:
            sys.exit(f"{STACKS[stack]}: there is no {old!r} to replace")
        sound, faulty = Stack(name, text), Stack(name, text.replace(old, new, 1))
        faulty.resources = {n: r for n, r in faulty.resources.items() if r != sound.resources.get(n)}
        if tool == "checkov":
            resources = check.deployed(faulty, faulty.resources)
            (folder / f"deployed/{name}.json").write_text(json.dumps({"Resources": resources}))
        else:
            documents += check.documents(faulty)
    (folder / "faults-policies.json").write_text(json.dumps(documents))


def found(folder):
    # What a skip excuses was not found.
    findings = check.of_checkov(folder / "faults-checkov.json")[0] + check.of_parliament(folder / "faults-parliament.json")
    seen = set()
    for rule, where, what in findings:
        fault, resource = where.split("/", 1)
        stack = LINTERS[int(fault.removeprefix("fault-"))][1]
        if not any(check.applies(skip, check.Finding(rule, f"{stack}/{resource}", what)) for skip in check.skips()):
            seen.add((fault, rule))
    lacking = [fault for number, fault in enumerate(LINTERS) if (f"fault-{number}", fault[4]) not in seen]
    for tool, stack, _, new, rule in lacking:
        print(f"FINDING faults.py: {tool} did not find {new!r} in {STACKS[stack]} by {rule}")
    print(f"checkov and parliament found {len(LINTERS) - len(lacking)} of {len(LINTERS)} planted faults")
    return 1 if lacking else 0


def main():
    if len(sys.argv) == 1:
        return own()
    return {"plant": plant, "found": found}[sys.argv[1]](Path(sys.argv[2]))


if __name__ == "__main__":
    sys.exit(main())

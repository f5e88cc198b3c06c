#!/usr/bin/env python3
"""Checks licences, bans and sources of all dependencies against deny.toml.

cargo-deny is the tool for this and reads the same file: run `cargo deny check` where it is installed. Building it takes
longer than the whole of our CI, and the packaged versions are too old for today's licence names, so CI uses this.
"""

import json
import re
import subprocess
import sys
import tomllib


def allowed(expression: str, known: set[str]) -> bool:
    """Evaluates an SPDX expression; a slash is the old spelling of OR."""
    text = expression.replace("/", " OR ").replace(" WITH ", "~")
    words = []
    for token in re.findall(r"\(|\)|[A-Za-z0-9.+~-]+", text):
        if token in ("(", ")", "AND", "OR"):
            words.append(token.lower())
        else:
            words.append(str(token.replace("~", " WITH ") in known))
    return bool(eval(" ".join(words), {"__builtins__": {}}))  # only brackets, and, or, True and False get here


def main() -> int:
    with open("deny.toml", "rb") as file:
        rules = tomllib.load(file)
    known = set(rules["licenses"]["allow"])
    exceptions = {entry["crate"]: set(entry["allow"]) for entry in rules["licenses"]["exceptions"]}
    banned = {ban["crate"]: ban for ban in rules["bans"]["deny"]}
    findings = []
    seen = set()
    for target in rules["graph"]["targets"]:
        command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
        graph = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        packages = {package["id"]: package for package in graph["packages"]}
        for node in graph["resolve"]["nodes"]:
            package = packages[node["id"]]
            name, licence = package["name"], package["license"]
            if (name, package["version"]) in seen:
                continue
            seen.add((name, package["version"]))
            where = f"{name} {package['version']}"
            if not licence or not allowed(licence, known | exceptions.get(name, set())):
                findings.append(f"{where}: licence {licence} is not allowed")
            if package["source"] is not None and not package["source"].startswith("registry+"):
                findings.append(f"{where}: comes from {package['source']}")
            if name in banned:
                users = direct_users(name, package["version"]) - set(banned[name].get("wrappers", []))
                findings += [f"{where} in {user}: {banned[name]['reason']}" for user in sorted(users)]
            for dependency in package["dependencies"]:
                if package["source"] is None and dependency["req"] == "*" and not dependency.get("path"):
                    findings.append(f"{where}: any version of {dependency['name']}")
    for finding in findings:
        print(finding)
    print(f"{len(seen)} packages, {len(findings)} findings")
    return 1 if findings else 0


def direct_users(name: str, version: str) -> set[str]:
    """The crates that a crate is really built for: cargo metadata also lists what no feature turns on."""
    command = ["cargo", "tree", "--locked", "--workspace", "--target", "all", "--edges", "normal,build"]
    command += ["--prefix", "depth", "--depth", "1", "--format", " {p}", "--invert", f"{name}@{version}"]
    result = subprocess.run(command, capture_output=True, text=True)
    return {line.split()[1] for line in result.stdout.splitlines() if line.startswith("1 ")}


if __name__ == "__main__":
    sys.exit(main())

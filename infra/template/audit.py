"""Lets parliament judge policy documents. Runs where parliament is installed, which is not where the other checks are.

Reads a JSON list of [where, document] and writes a JSON list of [rule, where, what].
"""

import json
import sys
import warnings

warnings.filterwarnings("ignore")

from parliament import analyze_policy_string


def findings(where, document):
    analyzed = analyze_policy_string(json.dumps(document))
    # An action with a star is expanded, and each of its actions has the same finding; one of a kind says it.
    return {(issue.issue, where, str(issue.detail)[:200]) for issue in analyzed.findings}


def main():
    source, target = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        documents = json.load(file)
    found = [finding for where, document in documents for finding in findings(where, document)]
    with open(target, "w", encoding="utf-8") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main()

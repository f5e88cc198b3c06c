#!/usr/bin/env bash
# Checks the templates without an AWS account: expands template.yaml as CloudFormation does, lets cfn-lint, checkov and
# parliament look at all five, holds them against our own rules (infra/template), and plants faults to see that rules and
# tools still find them. A finding that stays has a reason in infra/template/skips.toml. Exits 0 when there is no finding,
# 1 when there is one, and 2 when it could not look.
set -euo pipefail
cd "$(dirname "$0")/.."

unable='THE TEMPLATES WERE NOT CHECKED'
. infra/stack.sh

environment() { infra/venv.sh "infra/template/$1.txt" || cannot 'the packages could not be installed.'; }
sam=$(environment requirements)/bin
policies=$(environment requirements-policies)/bin

# Nothing of this may depend on, or reach, an account.
export SAM_CLI_TELEMETRY=0 PYTHONDONTWRITEBYTECODE=1 AWS_DEFAULT_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE
out=target/template-check/out
rm -rf "$out"
mkdir -p "$out"
failed=0

# cfn-lint and checkov exit with a status of their own when they find something; what they found is judged below.
lint() {
  "$sam/cfn-lint" --format json --regions eu-west-1 --template "$@" >"$out/cfn-lint.json" || [ $? -lt 16 ]
}
audit() {
  "$policies/checkov" --skip-download --framework cloudformation --compact --soft-fail --output json \
    --file "${@:3}" >"$out/$2checkov.json" 2>"$out/$2checkov.log"
  "$policies/python" infra/template/audit.py "$out/$1" "$out/$2parliament.json" 2>>"$out/$2checkov.log"
}

"$sam/python" infra/template/check.py expand "$out" || cannot 'a template could not be read.'
"$sam/python" infra/template/faults.py plant "$out" || cannot 'faults could not be planted.'
stacks=({data,backup,template,edge,monitoring}.json)

# Two at a time: each takes a core.
{ lint "${stacks[@]/#/$out/}" && audit policies.json '' "${stacks[@]/#/$out/deployed/}"; } &
tools=$!
"$sam/python" infra/template/faults.py || failed=1
"$sam/sam" validate --region eu-west-1 --template-file template.yaml || failed=1
audit faults-policies.json faults- "$out"/deployed/fault-*.json || cannot "a tool failed, see $out."
wait $tools || cannot "a tool failed, see $out."

"$sam/python" infra/template/faults.py found "$out" || failed=1
"$sam/python" infra/template/check.py judge "$out" || failed=1
exit $failed

#!/usr/bin/env bash
# Checks template.yaml and infra/data.yaml without an AWS account: validates and lints both, expands the template as
# CloudFormation does and lints that too, then holds what comes out against our own rules (infra/template/check.py) and
# plants faults to see that the rules still find them. Exits 0 when there is no finding, 1 when there is one, and 2 when
# it could not look.
set -euo pipefail
cd "$(dirname "$0")/.."

cannot() {
  printf '\n%s\n%s\n%s\n\n' '####' "#### THE TEMPLATES WERE NOT CHECKED: $1" '####' >&2
  exit 2
}

command -v python3 >/dev/null || cannot 'python3 is missing.'
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || cannot 'python3 is older than 3.10.'
python3 -c 'import venv, ensurepip' 2>/dev/null || cannot 'python3 has no venv module (on Debian: python3-venv).'

# The folder is named after what is in it, so that a change of the requirements makes a new one.
requirements=infra/template/requirements.txt
venv=target/template-check/$(cksum <$requirements | cut -d' ' -f1)
if [ ! -f "$venv/complete" ]; then
  echo "Installing $(grep -c == $requirements) packages into $venv"
  rm -rf "$venv"
  python3 -m venv "$venv" || cannot 'the virtual environment could not be made.'
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement $requirements ||
    cannot 'the packages could not be installed.'
  touch "$venv/complete"
fi

# Nothing of this may depend on, or reach, an account.
export SAM_CLI_TELEMETRY=0 PYTHONDONTWRITEBYTECODE=1 AWS_DEFAULT_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE
findings=0
for template in template.yaml infra/data.yaml; do
  "$venv/bin/sam" validate --lint --region eu-west-1 --template-file $template || findings=1
done
expanded=target/template-check/expanded.json
"$venv/bin/python" infra/template/check.py --expanded $expanded || findings=1
"$venv/bin/cfn-lint" --regions eu-west-1 --template $expanded || findings=1
"$venv/bin/python" infra/template/faults.py || findings=1
exit $findings

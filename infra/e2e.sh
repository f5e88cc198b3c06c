#!/usr/bin/env bash
# Deploys Trackwell for real, into an emulator of AWS: `sam build` and `sam deploy` of both stacks with the SAM CLI, then
# a customer over HTTP from sign-up to erasure, answered by the very binaries that are deployed. infra/e2e has the test.
# Exits 0 when it passed, 1 when it failed, and 2 when it could not run.
set -euo pipefail
cd "$(dirname "$0")/.."

unable='THE DEPLOYMENT WAS NOT TESTED'
. infra/stack.sh

sam=$(infra/venv.sh infra/template/requirements.txt) || cannot 'the SAM CLI could not be installed.'
ministack=$(infra/venv.sh infra/e2e/requirements.txt) || cannot 'the emulator could not be installed.'
command -v curl >/dev/null || cannot 'curl is missing.'

cargo build --quiet --release --locked -p functions --bins
build_stack

folder=$PWD/target/e2e
rm -rf "$folder"
mkdir -p "$folder"
export PYTHONDONTWRITEBYTECODE=1
exec python3 infra/e2e --folder "$folder" --ministack-python "$ministack/bin/python" --sam "$sam/bin/sam" \
  --binaries "$PWD/target/release" --local "$(realpath "$local_stack")" \
  --rie "$(echo "$sam"/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-"$(uname -m | sed s/aarch64/arm64/)")"

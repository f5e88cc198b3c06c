#!/usr/bin/env bash
# Schemathesis over the whole OpenAPI document that the local stack serves, with two organisations: whether every answer
# is one that the document announces, whether what it forbids is refused and what it allows is not, whether there is a way
# around authentication, and whether one organisation learns anything of the other. infra/fuzz has the rest.
# Exits 0 when nothing was found, 1 when something was, and 2 when it could not run. FUZZ_EXAMPLES (10) is how many random
# requests each operation gets.
set -euo pipefail
cd "$(dirname "$0")/.."

unable='THE API WAS NOT FUZZED'
. infra/stack.sh
venv=$(infra/venv.sh infra/fuzz/requirements.txt) || cannot 'schemathesis could not be installed.'
build_stack

folder=$PWD/target/fuzz
rm -rf "$folder"
mkdir -p "$folder"
export PYTHONDONTWRITEBYTECODE=1
exec "$venv/bin/python" infra/fuzz --local "$local_stack" --folder "$folder" --examples "${FUZZ_EXAMPLES:-10}"

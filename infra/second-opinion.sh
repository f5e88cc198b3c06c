#!/usr/bin/env bash
# Runs the tests against somebody else's idea of AWS: DynamoDB, S3, KMS, STS and SES of ministack instead of ours. Policies,
# faults, clock and the log of calls stay ours. What differs, and who is right, is in infra/second-opinion.md.
#
#   infra/second-opinion.sh             the modules that are about what is stored
#   infra/second-opinion.sh --all       every test
#   infra/second-opinion.sh FILTER...   the tests whose names contain one of these
#
# Exits 0 when they pass, 1 when one fails, and 2 when it could not look.
set -euo pipefail
cd "$(dirname "$0")/.."

modules=(attachments:: crash:: deletion:: erasure:: faults:: idempotency:: lists:: mails:: records:: retention::
  sessions:: tenants:: unique:: uploads::)

# Tests that do not run here, each with its reason.
excluded=(
  'canary:: searches the files of a data directory'
  'what_is_due_costs_the_same counts read and write units, which our own store is asked for in the request'
  'k_24_sixteen_registrations computes 16 password hashes between calls that then run into their time limits'
  'what_a_writer_left_that_began_before_the_fence holds a call back during an erasure, longer than its limit of 1.5 s'
  'nothing_can_be_attached_to_a_record_whose_deletion_has_begun holds a call back in the same way'
  'o_11_a_request_that_outlives_its_lease holds a call back in the same way'
)

unable='THERE IS NO SECOND OPINION'
. infra/stack.sh

venv=$(infra/venv.sh infra/e2e/requirements.txt) || cannot 'the emulator could not be installed.'
folder=$PWD/target/second-opinion
mkdir -p "$folder"

# The same packages and features as in a test of everything, so that nothing is built twice.
tests=(cargo test --quiet --locked --workspace --test all)
"${tests[@]}" --no-run

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
env -i PATH="$PATH" HOME="$folder" TMPDIR="$folder" BIND_HOST=127.0.0.1 IOT_MTLS_ENABLED=0 LOG_LEVEL=WARNING \
  GATEWAY_PORT="$port" AWS_ENDPOINT_URL="http://127.0.0.1:$port" \
  "$venv/bin/ministack" >"$folder/ministack.log" 2>&1 &
emulator=$!
trap 'kill $emulator 2>/dev/null || true; wait $emulator 2>/dev/null || true' EXIT
python3 - "$port" <<'END' || { cat "$folder/ministack.log" >&2; cannot 'ministack does not start.'; }
import sys, time, urllib.request
for _ in range(300):
    try:
        sys.exit(urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/_ministack/ready").status != 200)
    except OSError:
        time.sleep(0.1)
sys.exit(1)
END

case ${1:-} in
  --all) filters=() ;;
  '') filters=("${modules[@]}") ;;
  *) filters=("$@") ;;
esac
skip=()
echo 'Left to the embedded stand-ins:'
for line in "${excluded[@]}"; do
  skip+=(--skip "${line%% *}")
  printf '  %s: %s\n' "${line%% *}" "${line#* }"
done
# One interpreter answers all, so with more threads calls would only wait for each other.
if ! TRACKWELL_AWS=127.0.0.1:$port "${tests[@]}" -- --test-threads 4 "${filters[@]}" "${skip[@]}" \
  >"$folder/tests.log" 2>&1; then
  cat "$folder/tests.log"
  exit 1
fi
grep '^test result' "$folder/tests.log"

#!/usr/bin/env bash
# A passkey that this project did not write: an authenticator on top of Yubico's `fido2` registers with the local stack and
# signs in, alone and as a second factor. Exits 0 when everything came out as it must, 1 when not, and 2 when it could not
# run.
set -euo pipefail
cd "$(dirname "$0")/.."

unable='NO OTHER PASSKEY WAS TRIED'
. infra/stack.sh
venv=$(infra/venv.sh infra/passkey/requirements.txt) || cannot 'fido2 could not be installed.'
build_stack
port=${PORT:-8797}
log=$(mktemp)
finish() {
  status=$?
  stop
  if [ "$status" -ne 0 ]; then tail -n 20 "$log" >&2; fi
  rm -f "$log"
  exit "$status"
}
trap finish EXIT
serve "$log" "$port" --ephemeral
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" infra/passkey/client.py "$port"

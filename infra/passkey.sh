#!/usr/bin/env bash
# A passkey that this project did not write: an authenticator on top of Yubico's `fido2` registers with the local stack and
# signs in, alone and as a second factor. Exits 0 when everything came out as it must, 1 when not, and 2 when it could not
# run.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$(infra/venv.sh infra/passkey/requirements.txt) || {
  printf '\n%s\n%s\n%s\n\n' '####' '#### NO OTHER PASSKEY WAS TRIED: fido2 could not be installed.' '####' >&2
  exit 2
}
cargo build --quiet --locked -p local
port=${PORT:-8797}
log=$(mktemp)
"${CARGO_TARGET_DIR:-target}/debug/local" --profile trackado --port "$port" >"$log" 2>&1 &
server=$!
finish() {
  status=$?
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  if [ "$status" -ne 0 ]; then tail -n 20 "$log" >&2; fi
  rm -f "$log"
  exit "$status"
}
trap finish EXIT
for _ in $(seq 100); do curl -sf "http://127.0.0.1:$port/_local/clock" >/dev/null && break; sleep 0.2; done
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" infra/passkey/client.py "$port"

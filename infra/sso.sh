#!/usr/bin/env bash
# An identity provider that this project did not write: `oidc-provider` runs on this machine, an owner proves a domain,
# connects it, links an identity and signs in through it; somebody else there with the owner's address does not get in.
# Exits 0 when everything came out as it must, 1 when not, and 2 when it could not run.
set -euo pipefail
cd "$(dirname "$0")/.."

unable='NO OTHER PROVIDER WAS TRIED'
. infra/stack.sh
command -v node >/dev/null && command -v npm >/dev/null || cannot 'node or npm is missing.'
node -e 'process.exit(Number.parseInt(process.versions.node) < 20 ? 1 : 0)' || cannot 'node is older than 20.'
# The folder is named after what is in it, so that a change of the packages makes a new one.
provider=$PWD/target/npm/$(cksum <infra/sso/package-lock.json | cut -d' ' -f1)
if [ ! -f "$provider/complete" ]; then
  rm -rf "$provider"
  mkdir -p "$provider"
  cp infra/sso/package.json infra/sso/package-lock.json "$provider"
  (cd "$provider" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) ||
    cannot 'oidc-provider could not be installed.'
  touch "$provider/complete"
fi
# Node looks for packages beside the file that wants them.
cp infra/sso/provider.js "$provider"
build_stack

port=${PORT:-8798}
provider_port=${PROVIDER_PORT:-8799}
id=trackwell
secret=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
log=$(mktemp)
provider_log=$(mktemp)
other=
finish() {
  status=$?
  if [ -n "$other" ]; then kill "$other" 2>/dev/null || true; wait "$other" 2>/dev/null || true; fi
  stop
  if [ "$status" -ne 0 ]; then tail -n 30 "$log" "$provider_log" >&2; fi
  rm -f "$log" "$provider_log"
  exit "$status"
}
trap finish EXIT
serve "$log" "$port" --ephemeral
node "$provider/provider.js" "$provider_port" "http://127.0.0.1:$port" "$id" "$secret" >"$provider_log" 2>&1 &
other=$!
for _ in $(seq 100); do
  curl -sf "http://127.0.0.1:$provider_port/.well-known/openid-configuration" >/dev/null && break
  sleep 0.2
done
PYTHONDONTWRITEBYTECODE=1 python3 infra/sso/client.py "$port" "$provider_port" "$id" "$secret"

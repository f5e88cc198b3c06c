#!/usr/bin/env bash
# Runs one function with one event, as `sam local invoke` does, without Docker: in Lambda's runtime interface emulator,
# which is part of the SAM CLI. Prints the function's answer; its log goes to standard error when it fails.
#
#   infra/invoke.sh policy-get tests/events/policy-get.json
#
# The function's environment is infra/invoke.yaml, and over it whatever of the same names is set here. BINARIES is the
# folder of the binaries (default target/release).
set -euo pipefail
[ $# = 2 ] || { sed -n '2,/^set/{/^#/p}' "$0"; exit 2; }
event=$(realpath "$2")
cd "$(dirname "$0")/.."
binary=$(realpath "${BINARIES:-target/release}/$1")
[ -x "$binary" ] || { echo "$binary is missing: run 'cargo build --release -p functions' first." >&2; exit 2; }
arch=$(uname -m | sed s/aarch64/arm64/)
rie=${RIE:-}
if [ -z "$rie" ]; then
  venv=$(infra/venv.sh infra/template/requirements.txt)
  rie=$(echo "$venv"/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-"$arch")
fi

work=$(mktemp -d)
emulator=
finish() {
  status=$?
  # The emulator leads a group of its own, with the function in it.
  if [ -n "$emulator" ]; then kill -- "-$emulator" 2>/dev/null || true; wait "$emulator" 2>/dev/null || true; fi
  [ "$status" = 0 ] || tail -n 30 "$work/log" >&2 2>/dev/null || true
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT

# CoreTable in the file is CORE_TABLE to the function.
variables=(
  "PATH=$PATH" "AWS_LAMBDA_FUNCTION_NAME=$1" "AWS_LAMBDA_FUNCTION_TIMEOUT=60"
  "AWS_REGION=${AWS_REGION:-eu-west-1}" "AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL:-http://127.0.0.1:9}"
  "AWS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:-none}" "AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:-none}"
)
while IFS= read -r line; do
  name=$(sed 's/\([a-z]\)\([A-Z]\)/\1_\2/g' <<<"${line%%: *}" | tr a-z A-Z)
  value=${line#*: } value=${value#\'} value=${value%\'}
  variables+=("$name=${!name-$value}")
done < <(grep '^[A-Z]' infra/invoke.yaml)

ports=($(python3 -c '
import socket
probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(probe.getsockname()[1] for probe in probes))'))
set -m
env -i "${variables[@]}" "$rie" --runtime-interface-emulator-address "127.0.0.1:${ports[0]}" \
  --runtime-api-address "127.0.0.1:${ports[1]}" "$binary" >"$work/log" 2>&1 &
emulator=$!
set +m
# One attempt may be made: a second one would run the function again.
for _ in $(seq 100); do
  (exec 3<>"/dev/tcp/127.0.0.1/${ports[0]}") 2>/dev/null && break
  kill -0 "$emulator" 2>/dev/null || exit 1
  sleep 0.05
done
curl -sS --fail-with-body --max-time 90 --data-binary @"$event" \
  "http://127.0.0.1:${ports[0]}/2015-03-31/functions/function/invocations"
echo

#!/usr/bin/env bash
# Whether a deployment answers as it must: what is public, what is closed, and, with SMOKE_EMAIL and SMOKE_PASSWORD of a
# confirmed account, a record from its creation to its deletion. Changes nothing else, so it can run against production.
#
#   infra/smoke.sh https://app.example.com
set -euo pipefail
origin=${1:?Usage: infra/smoke.sh ORIGIN}
headers=$(mktemp) body=$(mktemp)
trap 'rm -f "$headers" "$body"' EXIT
failed=0

# ask METHOD PATH [curl options]: status in $status, headers and body in their files.
ask() {
  local method=$1 path=$2
  shift 2
  status=$(curl --silent --show-error --max-time 30 --retry 2 --request "$method" --dump-header "$headers" --output "$body" \
    --write-out '%{http_code}' "${SMOKE_OPTIONS[@]}" "$@" "$origin$path") || status=000
}

# must WHAT STATUS [jq expression that must be true of the body]
must() {
  if [ "$status" = "$2" ] && { [ $# -lt 3 ] || jq -e "$3" "$body" >/dev/null 2>&1; }; then
    echo "ok    $1"
  else
    echo "FAIL  $1: $status where $2 is due${3:+, and a body with $3}: $(head -c 300 "$body" | tr '\n' ' ')"
    failed=1
  fi
}

# Extra options for every request, such as a header for an address that is not the public one.
read -r -a SMOKE_OPTIONS <<<"${SMOKE_CURL_OPTIONS:-}"

ask GET /v1/policy && must 'the policy is public' 200 '.version and (.categories | length > 0)'
ask GET /.well-known/jwks.json && must 'the keys of tokens are public' 200 '.keys | length > 0'
ask GET /openapi.json && must 'the API describes itself' 200 '.openapi == "3.1.0" and (.paths | length > 0)'
ask GET /v1/ledger && must 'the ledger is public' 200 '.verifier_key and .size >= 0'
ask GET /security && must 'the security page is there' 200
for header in strict-transport-security x-content-type-options content-security-policy; do
  grep -qi "^$header:" "$headers" || { echo "FAIL  the header $header is missing" && failed=1; }
done
ask GET /.well-known/security.txt && must 'security.txt is there' 200
ask GET /v1/me && must 'an account is closed to strangers' 401 '.type == "urn:trackwell:problem:unauthenticated"'
ask GET '/v1/records?kind=asset' -H 'authorization: Bearer x' && must 'records are closed to a false token' 401
ask POST /v1/auth/login -H 'content-type: application/json' --data '{"email":"nobody@example.com","password":"not a password 1"}' &&
  must 'nobody does not sign in' 401
ask GET /nothing && must 'what is not there is not found' 404 '.type == "urn:trackwell:problem:not-found"'
ask GET /v1/erasures/erasure_00000000000000000000000000 && must 'the tables answer' 404

if [ -n "${SMOKE_EMAIL:-}" ]; then
  credentials=$(jq -n --arg email "$SMOKE_EMAIL" --arg password "${SMOKE_PASSWORD:?}" '{ $email, $password }')
  ask POST /v1/auth/login -H 'content-type: application/json' --data "$credentials"
  must 'the test account signs in' 200 .access_token
  token=$(jq -r '.access_token // empty' "$body")
  ask POST /v1/records -H "authorization: Bearer $token" -H 'content-type: application/json' \
    --data "{\"kind\":\"asset\",\"fields\":{\"asset_tag\":\"smoke-$$-$RANDOM\"}}"
  must 'a record is created' 201 .id
  record=/v1/records/$(jq -r '.id // empty' "$body")
  ask GET "$record" -H "authorization: Bearer $token" && must 'it is read' 200 '.version == 1'
  ask DELETE "$record" -H "authorization: Bearer $token" -H 'if-match: "1"' && must 'it is deleted' 204
  ask GET "$record" -H "authorization: Bearer $token" && must 'it is gone' 404
  ask POST /v1/auth/logout -H "authorization: Bearer $token" && must 'the test account signs out' 204
fi
exit $failed

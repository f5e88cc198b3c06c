#!/usr/bin/env bash
# The five-minute tour as a program: a customer of the profile `trackado` from sign-up to the proof that the data is gone.
# It uses only curl and jq beside the project itself, prints its evidence, and exits non-zero when any of it is false.
set -euo pipefail

cd "$(dirname "$0")/.."
port=${PORT:-8799}
api=http://127.0.0.1:$port
work=$(mktemp -d)
data=$work/trackwell
. infra/stack.sh

finish() {
  status=$?
  stop
  if [ "$status" -ne 0 ]; then
    echo "TOUR FAILED (exit $status); the server said:" >&2
    tail -n 20 "$work/server.log" >&2 || true
  fi
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT

step() { printf '\n== %s\n' "$*"; }
fail() { echo "FALSE: $*" >&2; exit 1; }
# same WHAT EXPECTED FOUND: prints the evidence, or ends the tour.
same() { if [ "$2" = "$3" ]; then echo "   $1: $3"; else fail "$1: expected $2, found $3"; fi; }

# call METHOD PATH [curl options]: the answer's body goes to $work/body, its status to $status.
call() {
  local method=$1 path=$2
  shift 2
  status=$(curl -sS -o "$work/body" -D "$work/headers" -w '%{http_code}' -X "$method" "$api$path" "$@")
}
json() { jq -er "$1" "$work/body"; }
auth() { call "$1" "$2" -H "Authorization: Bearer $token" "${@:3}"; }
login() {
  call POST /v1/auth/login -H 'Content-Type: application/json' -d "{\"email\":\"$email\",\"password\":\"$password\"}"
}
clock() {
  call POST /_local/clock -H 'Content-Type: application/json' -d "$1"
  [ "$status" = 200 ] || fail "the clock did not move: $(cat "$work/body")"
  echo "   it is now $(json .now)"
}

step "Build and start the stack"
build_stack
serve "$work/server.log" "$port" --data-dir "$data"
call GET /v1/policy
version=$(json .version)
echo "   $(json .controller.name), policy $version, content is kept $(json '.categories[]|select(.id=="content").not_after') from $(json '.categories[]|select(.id=="content").retention_from')"

# Words that appear in everything the customer enters, so that they can be looked for in every byte on the disk.
canary=Zanzibarkanarie$RANDOM
email="ada.${canary,,}@customer.example"
password="a quiet harbour at dawn 7"

step "Register, confirm the address, sign in"
call POST /v1/auth/register -H 'Content-Type: application/json' -d "{
  \"name\":\"Ada $canary\",\"email\":\"$email\",\"company\":\"$canary Ltd\",\"password\":\"$password\",
  \"age_confirmed\":18,\"policy_version\":\"$version\"}"
same "registration" 202 "$status"
login
same "sign-in before the address is confirmed" 401 "$status"
code=$(curl -sS "$api/_mailbox/messages?to=$email" | jq -er '.data[0].text | capture("(?<code>user_[0-9a-z]{26}\\.[A-Za-z0-9_-]+)").code')
call POST /v1/auth/verify-email -H 'Content-Type: application/json' -d "{\"code\":\"$code\"}"
same "confirmation with the code from the mail" 204 "$status"
login
same "sign-in" 200 "$status"
token=$(json .access_token)

step "Import 200 assets from CSV"
{
  echo "asset_tag,name,serial,model,status,purchase_date,warranty_months,purchase_cost.amount,purchase_cost.currency,notes"
  for i in $(seq 200); do
    echo "TAG-$canary-$i,Laptop $canary $i,SER-$canary-$i,Model $((i % 7)),ready,2026-01-$(printf %02d $((i % 28 + 1))),36,99900,EUR,\"Desk $i, $canary\""
  done
} >"$work/assets.csv"
auth POST "/v1/imports?kind=asset" -H 'Content-Type: text/csv' -H 'Idempotency-Key: tour-import' --data-binary @"$work/assets.csv"
same "import" 201 "$status"
same "records created" 200 "$(json .created)"
same "lines refused" 0 "$(json '.failed|tostring')"
record=$(json '.lines[0].id')
auth POST "/v1/imports?kind=asset" -H 'Content-Type: text/csv' -H 'Idempotency-Key: tour-import' --data-binary @"$work/assets.csv"
same "the same import again creates nothing new: first id" "$record" "$(json '.lines[0].id')"

step "Attach files, which go to S3 directly, encrypted under a key of their own"
attached=0
for i in 1 2 3; do
  auth GET "/v1/records?kind=asset&limit=$i"
  target=$(json ".data[$((i - 1))].id")
  printf 'Invoice %s for %s\n' "$i" "$canary" >"$work/invoice$i.txt"
  size=$(stat -c %s "$work/invoice$i.txt")
  sha=$(sha256sum "$work/invoice$i.txt" | cut -d' ' -f1)
  auth POST "/v1/records/$target/attachments" -H 'Content-Type: application/json' \
    -d "{\"name\":\"invoice-$canary-$i.txt\",\"content_type\":\"text/plain\",\"size\":$size,\"sha256\":\"$sha\"}"
  [ "$status" = 201 ] || fail "attachment: $(cat "$work/body")"
  attachment=$(json .id)
  json '.upload.headers|to_entries[]|"header = \"\(.key): \(.value)\""' >"$work/upload.conf"
  uploaded=$(curl -sS -o "$work/s3" -w '%{http_code}' -X PUT -K "$work/upload.conf" --data-binary @"$work/invoice$i.txt" "$(json .upload.url)")
  [ "$uploaded" = 200 ] || fail "upload: $uploaded $(cat "$work/s3")"
  auth POST "/v1/records/$target/attachments/$attachment/complete"
  [ "$status" = 200 ] || fail "completion: $(cat "$work/body")"
  auth GET "/v1/records/$target/attachments/$attachment"
  json '.download.headers|to_entries[]|"header = \"\(.key): \(.value)\""' >"$work/download.conf"
  curl -sS -K "$work/download.conf" -o "$work/downloaded" "$(json .download.url)"
  cmp "$work/invoice$i.txt" "$work/downloaded" || fail "the download differs"
  plain=$(curl -sS -o /dev/null -w '%{http_code}' "$(json .download.url)")
  [ "$plain" != 200 ] || fail "the URL alone must be worth nothing"
  attached=$((attached + 1))
done
same "files uploaded, completed, downloaded and compared" 3 "$attached"
auth POST "/v1/records/$record/attachments" -H 'Content-Type: application/json' \
  -d "{\"name\":\"contract.pdf\",\"url\":\"https://files.customer.example/$canary/contract.pdf\"}"
same "a link to a file in the customer's own storage" 201 "$status"

# on_disk: how many files below the data directory hold the canary, the mailbox aside: it plays the outside world.
on_disk() { { grep -rliF --exclude-dir=mailbox -- "$canary" "$data" || true; } | wc -l; }
same "files on disk with anything of it in plain text, before erasure" 0 "$(on_disk)"
grep -rqiF -- "$canary" "$data/mailbox" || fail "the search itself must find the mail"

step "Cancel"
auth POST /v1/organisation/cancel
same "cancellation" 200 "$status"
json '.retention[]|"   \(.class): erased \(.erase_at), nothing left after \(.not_after // "-")"'
ceiling=$(json '.retention[]|select(.class=="content").not_after')

step "18 months after cancellation, minus two days"
clock "{\"set\":\"$(date -u -d "$ceiling - 2 days" +%Y-%m-%dT%H:%M:%SZ)\"}"
login
same "sign-in" 200 "$status"
token=$(json .access_token)
read_all=0
next="/v1/records?kind=asset&limit=60"
while [ -n "$next" ]; do
  auth GET "$next"
  [ "$status" = 200 ] || fail "list: $(cat "$work/body")"
  read_all=$((read_all + $(json "[.data[]|select(.fields.name|contains(\"$canary\"))]|length")))
  cursor=$(jq -r '.next_cursor // empty' "$work/body")
  next=${cursor:+/v1/records?kind=asset&limit=60&cursor=$cursor}
done
same "records still readable" 200 "$read_all"

step "Past the retention run, some hours before the ceiling"
clock "{\"set\":\"$(date -u -d "$ceiling - 18 hours" +%Y-%m-%dT%H:%M:%SZ)\"}"
login
same "sign-in, while the person's own account is still there" 200 "$status"
token=$(json .access_token)
auth GET "/v1/records/$record"
same "GET /v1/records/{id}" 410 "$status"
erasure=$(json '.detail|capture("/v1/erasures/(?<id>erasure_[0-9a-z]{26})").id')
auth GET "/v1/records?kind=asset"
same "GET /v1/records" 410 "$status"
auth GET /v1/organisation
same "GET /v1/organisation" 410 "$status"

step "Past 18 months after cancellation"
clock "{\"set\":\"$(date -u -d "$ceiling + 1 day" +%Y-%m-%dT%H:%M:%SZ)\"}"
# What DynamoDB deletes by itself, and nobody reads any more, lies about here for longer; the sign-in below leaves a trace.
call GET "/_local/items?table=ephemeral"
now=$(date -u -d "$ceiling + 1 day" +%s)
same "items left in ephemeral that have not expired" 0 "$(json "[.data[]|select((.ttl|tonumber) > $now)]|length|tostring")"
login
same "sign-in, now that the account is gone too" 401 "$status"
same "files on disk with anything of it in plain text" 0 "$(on_disk)"
call GET "/_local/items?table=keys"
same "data keys left, of billing, which the tax law keeps" '["billing"]' "$(jq -c '[.data[].pk|capture("\\.(?<class>[a-z]+)$").class]' "$work/body")"
call GET "/_local/items?table=core"
same "items left in core" 0 "$(json '.data|length|tostring')"
call GET "/_local/objects?bucket=files"
same "object versions and delete markers left" 0 "$(json '.data|length|tostring')"

step "The receipt, verified offline with the public key only"
call GET "/v1/erasures/$erasure"
same "GET /v1/erasures/{id}, without any account" 200 "$status"
same "state" sealed "$(json .state)"
jq -e .receipt "$work/body" >"$work/receipt.json"
jq -r '.signed_receipt.receipt|"   \(.trigger) under policy \(.policy_version): fenced \(.fenced_at), verified \(.verified_at)", (.units[]|"   \(.class): \(.items_deleted) items, \(.object_versions_deleted) object versions")' "$work/receipt.json"
grep -qiF -- "$canary" "$work/receipt.json" && fail "the receipt holds personal data"
"$local_stack" verify "$work/receipt.json" --key "$data/ledger.vkey" || fail "the receipt does not verify"
jq '.signed_receipt.receipt.units[0].items_deleted += 1' "$work/receipt.json" >"$work/tampered.json"
if "$local_stack" verify "$work/tampered.json" --key "$data/ledger.vkey"; then fail "a tampered receipt was accepted"; fi
echo "   the tampered receipt was refused"

printf '\nThe tour is complete: every line above was checked.\n'

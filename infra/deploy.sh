#!/usr/bin/env bash
# Deploys one stage, stack by stack, tries it out, and goes back to the release before when it does not answer as it must.
#
#   infra/deploy.sh STAGE                    builds this commit and deploys it
#   infra/deploy.sh STAGE --release COMMIT   deploys what was built for COMMIT: for the stage before, or some time ago
#
# infra/stages/STAGE.env says where and whose. Needs cargo, the SAM CLI, the AWS CLI with credentials of the stage's
# account, curl and jq; a stage with an
# edge needs ORIGIN_SECRET, and ORIGIN_SECRET_BEFORE while that is replaced. Exits 0 when the stage runs the release, 1 when it does not and 2 when nothing was tried.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n### %s\n' "$*"; }
cannot() {
  echo "$*" >&2
  exit 2
}

stage=${1:?Usage: infra/deploy.sh STAGE [--release COMMIT]}
[ -f "infra/stages/$stage.env" ] || cannot "infra/stages/$stage.env is missing."
set -a
# shellcheck source=/dev/null
. "infra/stages/$stage.env"
set +a
: "${NAME:?}" "${REGION:?}" "${UPLOADS_BUCKET:?}" "${PARAMETERS:?}" "${STACKS=}"
case ${2:-} in
  '') release=$(git rev-parse --short=12 HEAD) builds=true ;;
  --release) release=${3:?--release needs a commit} builds=false ;;
  *) cannot "Usage: infra/deploy.sh STAGE [--release COMMIT]" ;;
esac
for tool in sam aws jq curl; do command -v $tool >/dev/null || cannot "$tool is missing."; done
if $builds && [ -n "$(git status --porcelain --untracked-files=no)" ]; then
  cannot 'The tree differs from the commit that it would be deployed as.'
fi

export AWS_DEFAULT_REGION=$REGION SAM_CLI_TELEMETRY=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What the edge shows to the API. While it is replaced, the API takes the one before, too.
if [[ " $STACKS " == *" edge "* ]] && [ -z "${ORIGIN_SECRET:-}" ]; then cannot 'ORIGIN_SECRET is not set, and the stage has an edge.'; fi
# A release by its commit, and the commit that a stage runs by the name of the stage.
releases=s3://$UPLOADS_BUCKET/$NAME/releases

# Everything that is known so far. A stack takes what it has parameters for, so what one puts out is what the next takes.
known=$work/parameters.yaml
learn() { jq -s add "$known" - >"$known.new" && mv "$known.new" "$known"; }
jq -n --arg name "$NAME" --argjson parameters "$PARAMETERS" '{ Name: $name } + $parameters' >"$known"
if [ -n "${ORIGIN_SECRET:-}" ]; then
  hashes=$(for secret in "$ORIGIN_SECRET" ${ORIGIN_SECRET_BEFORE:-}; do printf %s "$secret" | sha256sum | cut -d' ' -f1; done | paste -sd,)
  jq -n --arg hashes "$hashes" '{ OriginSecret: env.ORIGIN_SECRET, OriginSecretHashes: $hashes }' | learn
fi

# outputs STACK [REGION]
outputs() {
  aws cloudformation describe-stacks --stack-name "$1" --region "${2:-$REGION}" --output json |
    jq '[.Stacks[0].Outputs // [] | .[] | { (.OutputKey): .OutputValue }] | add // {}'
}

# deploy TEMPLATE STACK [REGION]
deploy() {
  local template=$1 stack=$2 region=${3:-$REGION} uploads=()
  say "$stack"
  # A template of another region's stack is small enough to be sent along; an upload would need a bucket there.
  [ "$region" != "$REGION" ] || uploads=(--s3-bucket "$UPLOADS_BUCKET" --s3-prefix "$NAME")
  sam deploy --template-file "$template" --stack-name "$stack" --region "$region" "${uploads[@]}" \
    --capabilities CAPABILITY_IAM --no-confirm-changeset --no-fail-on-empty-changeset --no-progressbar \
    --tags "trackwell:stage=$stage" --parameter-overrides "file://$known"
  outputs "$stack" "$region" | learn
}

# The functions of a release: the packaged template that was kept for it.
functions() {
  aws s3 cp --only-show-errors "$releases/$1.yaml" "$work/$1.yaml"
  deploy "$work/$1.yaml" "$NAME"
}

# What no deployment may replace or delete, whoever runs it and whatever a template says.
protect() {
  aws cloudformation update-termination-protection --enable-termination-protection --stack-name "$1" >/dev/null
  aws cloudformation set-stack-policy --stack-name "$1" --stack-policy-body file://infra/stages/protected.json
}

# The keys of the stage: made once, encrypted by KMS, kept where nothing overwrites them. Who loses them loses all data.
keys() {
  local parameter=/$NAME/keys
  if ! aws ssm get-parameter --name "$parameter" --query Parameter.Value --output text >"$work/keys.yaml" 2>"$work/error"; then
    grep -q ParameterNotFound "$work/error" || { cat "$work/error" >&2 && return 1; }
    say 'New keys'
    key() { jq -r ".$1" "$known"; }
    rm -f "$work/keys.yaml"
    cargo run -q --locked -p local -- keys --profile "$(key Profile)" --origin "$(key PublicOrigin | sed 's|.*://||')" \
      --data-key "$(key DataKeyArn)" --token-key "$(key TokenKeyArn)" --ledger-key "$(key LedgerKeyArn)" \
      ${AWS_ENDPOINT_URL:+--endpoint "$AWS_ENDPOINT_URL"} --out "$work/keys.yaml"
    aws ssm put-parameter --name "$parameter" --type String --no-overwrite --value "file://$work/keys.yaml" >/dev/null
  fi
  learn <"$work/keys.yaml"
}

build() {
  say "Building $release"
  local target=aarch64-unknown-linux-gnu
  [ "$(jq -r '.Architecture // "arm64"' "$known")" = arm64 ] || target=x86_64-unknown-linux-gnu
  cargo build --release --locked -p functions --bins --target $target
  # What a newer C library than Lambda's was linked with starts nowhere.
  local needed
  needed=$(for binary in "target/$target/release"/*-*; do objdump -T "$binary" 2>/dev/null; done | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -1)
  [ "$(printf '%s\nGLIBC_2.34\n' "$needed" | sort -V | tail -1)" = GLIBC_2.34 ] ||
    cannot "The binaries need $needed, and provided.al2023 has GLIBC_2.34: build on an older system."
  BINARIES=$PWD/target/$target/release sam build --build-dir "$work/build" --parallel
  sam package --template-file "$work/build/template.yaml" --s3-bucket "$UPLOADS_BUCKET" --s3-prefix "$NAME" \
    --output-template-file "$work/packaged.yaml" --no-progressbar >/dev/null
  aws s3 cp --only-show-errors "$work/packaged.yaml" "$releases/$release.yaml"
}

$builds && build

deploy infra/data.yaml "$NAME-data"
protect "$NAME-data"
keys
before=$(aws s3 cp --only-show-errors "$releases/$stage" - 2>/dev/null || true)
functions "$release"
for template in $STACKS; do
  # A firewall for distributions, and so the stack of both, is in us-east-1 only.
  region=$REGION
  [ "$template" != edge ] || region=us-east-1
  deploy "infra/$template.yaml" "$NAME-$template" "$region"
  [ "$template" != backup ] || protect "$NAME-backup"
done

say 'Smoke test'
origin=${SMOKE_ORIGIN:-$(jq -r .PublicOrigin "$known")}
if infra/smoke.sh "$origin"; then
  echo "$release" | aws s3 cp --only-show-errors - "$releases/$stage"
  say "$stage runs $release"
  exit 0
fi
if [ -z "$before" ] || [ "$before" = "$release" ]; then
  say "$release does not answer as it must, and there is no release to go back to"
  exit 1
fi
say "$release does not answer as it must: going back to $before"
functions "$before"
infra/smoke.sh "$origin" || say "$before does not answer as it must, either"
exit 1

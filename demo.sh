#!/usr/bin/env bash
# The shipped stack from nothing to gold tables and back, on the embedded AWS: what `make demo` runs.
set -euo pipefail
cd "$(dirname "$0")"
: "${MRHEALTH:=.build/release/mrhealth}" "${PYTHON:=.venv/bin/python3}"

# A cloud of its own, gone with the demo.
MRHEALTH_LOCAL_DIR="$(mktemp -d -t mrhealth-demo.XXXXXX)"
export MRHEALTH_LOCAL_DIR
finish() {
  "$MRHEALTH" local stop >/dev/null 2>&1 || true
  rm -rf "$MRHEALTH_LOCAL_DIR"
}
trap finish EXIT

say() {
  if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then printf '\n\033[1;36m$ %s\033[0m\n' "$*"; else printf '\n$ %s\n' "$*"; fi
}
run() {
  say "mrhealth $*"
  "$MRHEALTH" "$@"
}

run --local --stack stacks/mrhealth plan
run --local --stack stacks/mrhealth up --yes
run --local --stack stacks/mrhealth plan
run --local --stack stacks/mrhealth run --date 2024-11-20

# The gold tables, read from the bucket by a program that is not ours.
eval "$("$PYTHON" - "$MRHEALTH_LOCAL_DIR/endpoint.json" <<'PY'
import json, shlex, sys
e = json.load(open(sys.argv[1]))
for name, key in [("AWS_ENDPOINT_URL", "endpoint"), ("AWS_ACCESS_KEY_ID", "access_key_id"),
                  ("AWS_SECRET_ACCESS_KEY", "secret_access_key"), ("AWS_DEFAULT_REGION", "region")]:
    print(f"{name}={shlex.quote(e[key])}")
print(f"account={shlex.quote(e['account'])}")
PY
)"
say "the gold tables in s3://mrhealth-terraform-$account/dados/gold/"
AWS_ENDPOINT_URL="$AWS_ENDPOINT_URL" AWS_ACCESS_KEY_ID="$AWS_ACCESS_KEY_ID" \
  AWS_SECRET_ACCESS_KEY="$AWS_SECRET_ACCESS_KEY" AWS_DEFAULT_REGION="$AWS_DEFAULT_REGION" \
  "$PYTHON" stacks/mrhealth/tests/mostrar_gold.py --linhas 12 "mrhealth-terraform-$account"

run local inbox
run --local --stack stacks/mrhealth runs
run --local --stack stacks/mrhealth destroy --yes
run --local --stack stacks/mrhealth state list

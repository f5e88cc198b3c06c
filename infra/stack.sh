# What the scripts here share: sourced from the root of the repository, never run.

# cannot WHY: the end of a script that could not look. It is loud, so that nobody takes it for a success; `unable` says
# what was not done.
cannot() {
  printf '\n%s\n%s\n%s\n\n' '####' "#### $unable: $1" '####' >&2
  exit 2
}

# The local stack as cargo builds it.
local_stack=${CARGO_TARGET_DIR:-target}/debug/local
build_stack() { cargo build --quiet --locked -p local; }

# serve LOG PORT [options]: starts the stack in the profile `trackado`, and returns when it answers. It is $server.
server=
serve() {
  "$local_stack" --profile trackado --port "$2" "${@:3}" >"$1" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    curl -sf "http://127.0.0.1:$2/_local/clock" >/dev/null && return
    kill -0 "$server" 2>/dev/null || break
    sleep 0.2
  done
  echo 'The stack does not answer.' >&2
  return 1
}

# Ends what `serve` started, if it did.
stop() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
}

# What scripts of tests share; to be sourced by a script that has set `area`, and ends with `exit "$failed"`.
# shellcheck shell=bash
failed=0

# check NAME COMMAND...: one check, a line `ok AREA: NAME` or `FAILED AREA: NAME`; its output is shown when it fails.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok $area: $name"
  else
    echo "FAILED $area: $name"
    tail -40 <<<"$output" | sed 's/^/    /'
    failed=1
  fi
}

# holds STORE TEXT: whether the program lists that text among the traces of a store of this build's. Not through a pipe,
# which fails when its reader stops at the first match.
holds() { grep -q "$2" <<<"$("$build/bin/trunkline" --dir "$1" ls)"; }

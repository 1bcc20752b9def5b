#!/usr/bin/env bash
# Runs the plain C programs of tests/capi under valgrind: invalid reads and writes, use of undefined values, and memory
# that nobody can reach any more are failures. usage: run_valgrind.sh [BUILD_FOLDER]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
build=${1:-build}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
options=(--quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite
  --child-silent-after-fork=yes --fair-sched=yes)
failed=0

# check NAME EXPECTED_CODE COMMAND...
check() {
  local name=$1 expected=$2
  shift 2
  timeout 300 valgrind "${options[@]}" "$@" >"$place/log" 2>&1
  local code=$?
  if ((code == expected)); then
    echo "ok valgrind: $name"
  else
    echo "FAILED valgrind: $name ended with $code"
    tail -60 "$place/log" | sed 's/^/    /'
    failed=1
  fi
}

# The control: errors are seen.
cat >"$place/wrong.c" <<'END'
#include <stdlib.h>
int main(int argc, char **argv) {
  volatile char *lost = malloc(10);
  (void)argv;
  if (argc > 1) return lost[10];
  lost = NULL;
  return lost != NULL;
}
END
gcc -O0 "$place/wrong.c" -o "$place/wrong" || exit 1
check "the check sees a read beyond the end" 99 "$place/wrong" read
check "the check sees memory that is lost" 99 "$place/wrong"

programs=("$build"/bin/capi.*)
[[ -x ${programs[0]} ]] || { echo "FAILED valgrind: no programs in $build/bin" && exit 1; }
for program in "${programs[@]}"; do
  check "$(basename "$program")" 0 "$program"
done
exit $failed

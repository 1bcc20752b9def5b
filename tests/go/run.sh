#!/usr/bin/env bash
# The tests of the package for Go. usage: run.sh test|race|packaging [BUILD_FOLDER]
# test: format, vet, all tests with the shared library, the documents and the example agent. race: the tests again, under the
# race detector. packaging: programs in folders of their own against an installed prefix, shared and static; two copies.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
what=${1:-test}
build=$(realpath "${2:-build}")
package=$PWD/bindings/go
agent=$PWD/examples/go/coding_agent
cache=${TRUNKLINE_CACHE:-$HOME/.cache/trunkline}
[[ -x /usr/local/go/bin/go ]] && PATH=$PATH:/usr/local/go/bin

new_enough() { printf '%s\n' go1.24 "$(go env GOVERSION)" | sort -V -C; }
if ! command -v go >/dev/null || ! new_enough; then
  echo "skipped go: Go 1.24 or newer is not installed"
  exit 0
fi
export GOCACHE=$cache/go/build GOMODCACHE=$cache/go/modules GOTOOLCHAIN=local GOPROXY=off GOFLAGS=-p=2
unset GOWORK GOENV
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
area=go
. tools/check.sh

# tests LABEL ARGUMENTS...: go test; a line for each test, `LABEL.Test`.
tests() {
  local label=$1 log=$place/log
  shift
  (cd "$package" && go test -count=1 -v -timeout 5m "$@" ./...) >"$log" 2>&1
  local code=$?
  awk -v label="$label" '/^ *--- (PASS|FAIL|SKIP): / {
      print ($2 == "PASS:" ? "ok " : $2 == "FAIL:" ? "FAILED " : "skipped ") label "." $3 }' "$log"
  if ((code)); then
    echo "FAILED $label: go test ended with $code"
    grep -v -E '^(=== |ok |PASS| *--- PASS)' "$log" | tail -80 | sed 's/^/    /'
    failed=1
  fi
}

# The library as it is installed. Go does not see when a header or an archive changes: they are part of the flags.
prefix=$build/go/prefix
[[ $what == packaging ]] && prefix=$place/prefix
install_it() { cmake --install "$build" --prefix "$prefix" --strip; }
use_prefix() {
  library=$prefix/lib
  local key
  key=$(cat "$prefix/include/trunkline.h" "$library/libtrunkline.a" | sha256sum | cut -c1-16)
  export PKG_CONFIG_PATH=$library/pkgconfig CGO_CFLAGS="-O2 -g -Wall -DTRUNKLINE_KEY=0x$key"
}
formatted() {
  local found
  found=$(gofmt -l "$package" "$agent" tests/go bench/peers)
  [[ -z $found ]] || { echo "$found" && false; }
}
vetted() { (cd "$1" && go vet ./...); }
# What docs/go.md tells its reader, in a folder beside this one.
page() {
  mkdir -p "$place/page/example" && ln -sfn "$PWD" "$place/page/trunkline" &&
    env -u TRUNKLINE_DIR PATH="$prefix/bin:$PATH" tools/run_page.py docs/go.md "$place/page/example" &&
    holds "$place/page/example/.trunkline" "answer a question"
}
build_agent() { (cd "$agent" && go build -o "$place/agent/coding_agent" .); }

run_tests() {
  check "the library is installed for the tests" install_it
  use_prefix
  export LD_LIBRARY_PATH=$library
  check "format" formatted
  check "vet" vetted "$package"
  check "vet of the example" vetted "$agent"
  tests go
  check "docs/go.md: what it says works" page
  check "the documents" tests/go/documents.py "$package"
  check "the example is built" build_agent
  TRUNKLINE_TEST_GO_AGENT=$place/agent/coding_agent \
    python3 tools/run_unittest.py tests/go/go_agent_test.py || failed=1
}

run_race() {
  check "the library is installed for the race detector" install_it
  use_prefix
  export LD_LIBRARY_PATH=$library
  tests go_race -race
}

# project NAME SOURCE [ARGUMENTS...]: builds a program outside of the repository, which names the package by its path.
project() {
  local folder=$place/$1 source=$2
  shift 2
  mkdir -p "$folder" && cp "tests/go/$source/main.go" "$folder" || return 1
  (cd "$folder" && go mod init example && go mod edit -require trunkline.dev/go@v0.0.0 -replace "trunkline.dev/go=$package" &&
    go build "$@")
}
needs_library() { grep -q 'NEEDED.*libtrunkline\.so\.0' <<<"$(readelf -d "$place/$1/example")"; }
records() {
  local name=$1
  shift
  (cd "$place" && env TRUNKLINE_DIR="$place/store-$name" "$@" "$place/$name/example") &&
    holds "$place/store-$name" "from outside"
}
shared() { project shared host && needs_library shared && records shared LD_LIBRARY_PATH="$library"; }
static() { project static host -tags trunkline_static && ! needs_library static && records static; }
without_the_library() {
  local said
  said=$("$place/shared/example" 2>&1) && return 1
  grep -q 'libtrunkline\.so\.0' <<<"$said"
}
two_copies() {
  project copies two_copies -tags trunkline_static &&
    (cd "$place" && TRUNKLINE_DIR="$place/store-copies" "$place/copies/example" "$library/libtrunkline.so.0")
}
without_storage() {
  mkdir -p "$place/modules"
  project late late && (cd "$place" && TRUNKLINE_DIR="$place/store-late" LD_LIBRARY_PATH="$library" \
    "$place/late/example" "$build/bin/tls_module.so" "$place/modules") &&
    holds "$place/store-late" "from outside"
}
static_tests() { (cd "$package" && go test -count=1 -tags trunkline_static -run 'Spans|Whatever|Durable' .); }

run_packaging() {
  unset PKG_CONFIG_PATH LD_LIBRARY_PATH
  check "installs" install_it
  use_prefix
  check "a program outside of the repository, shared" shared
  check "without the library the loader names it" without_the_library
  check "the same, static" static
  check "a program with no static thread-local storage left" without_storage
  check "two copies in one process do not see each other" two_copies
  check "tests with the archive" static_tests
}

case $what in
  test) run_tests ;;
  race) run_race ;;
  packaging) run_packaging ;;
  *)
    echo "usage: run.sh test|race|packaging [BUILD_FOLDER]" >&2
    exit 2
    ;;
esac
exit "$failed"

#!/usr/bin/env bash
# The tests of the Rust crates. usage: run.sh test|packaging [BUILD_FOLDER]
# test: format, lints, all tests with the library linked and found at run time, the documents and the example agent.
# packaging: programs in folders of their own against an installed prefix, with nothing of this build in their environment.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
what=${1:-test}
root=$PWD
build=$(realpath "${2:-build}")
crates=$root/bindings/rust
agent=$root/examples/rust/coding_agent
cache=${TRUNKLINE_CACHE:-$HOME/.cache/trunkline}

if ! command -v cargo >/dev/null; then
  echo "skipped rust: cargo is not installed"
  exit 0
fi
# rustup's programs look for the compiler in HOME, which may be another than the one they were installed in.
if [[ -z ${RUSTUP_HOME:-} ]] && ! rustc -vV &>/dev/null; then
  beside=$(dirname "$(dirname "$(dirname "$(readlink -f "$(command -v cargo)")")")")/.rustup
  [[ -d $beside ]] && export RUSTUP_HOME=$beside
fi
# What is built is kept by compiler, by what is asked for, and by this folder: cargo tells the crates of two clones apart by
# nothing but the times of their files, so that one would be given what was built of the other.
key=$(cat <(rustc -vV) "$crates/Cargo.lock" "$agent/Cargo.lock" <(echo "$root") | sha256sum | cut -c1-16)
export CARGO_HOME=$cache/rust/home CARGO_TARGET_DIR=$cache/rust/target-$key
# Each clone leaves its own builds there: when there are many, those go that nobody has used for a day.
mkdir -p "$CARGO_TARGET_DIR" && touch "$CARGO_TARGET_DIR"
if (($(du -smc "$cache"/rust/target-* 2>/dev/null | tail -1 | cut -f1) > 2000)); then
  find "$cache/rust" -maxdepth 1 -name 'target-*' -mmin +1440 -exec rm -rf {} +
fi
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0 RUST_BACKTRACE=0
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
area=rust
. tools/check.sh

# What tests write to standard error has a file of its own: their harness writes a line in parts, and it would come between.
triple=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
said=$place/said
cat >"$place/runner" <<END
#!/bin/sh
exec "\$@" 2>>"$said"
END
chmod +x "$place/runner"

# tests LABEL ARGUMENTS...: cargo test; a line for each test, `LABEL.file.name`.
tests() {
  local label=$1 log=$place/log
  shift
  : >"$said"
  (cd "$crates" && env "CARGO_TARGET_${triple}_RUNNER=$place/runner" cargo test --locked --no-fail-fast "$@") >"$log" 2>&1
  local code=$?
  awk -v label="$label" '
    / Running (unittests )?[^ ]*\.rs / { file = $0; sub(/.* Running (unittests )?/, "", file); sub(/ .*/, "", file)
                                         sub(/.*\//, "", file); sub(/\.rs$/, "", file) }
    / Doc-tests / { file = "doc" }
    /^test [^ ].* \.\.\. / { name = $0; sub(/^test /, "", name); sub(/ \.\.\. .*/, "", name); gsub(/ /, "_", name)
              if (name == "child") next # what the others start
              if ($0 ~ /ok$/) print "ok " label "." file "." name
              else if ($0 ~ / \.\.\. ignored/) print "skipped " label "." file "." name
              else print "FAILED " label "." file "." name }
  ' "$log"
  if ((code)); then
    echo "FAILED $label: cargo test ended with $code"
    grep -v -E '^(test .* ok|running [0-9]+ test.*|)$' "$log" | cat "$said" - | tail -120 | sed 's/^/    /'
    failed=1
  fi
}

# The library as it is installed.
prefix=$build/rust/prefix
[[ $what == packaging ]] && prefix=$place/prefix
install_it() { cmake --install "$build" --prefix "$prefix"; }

formatted() { (cd "$1" && cargo fmt --check); }
linted() {
  local folder=$1
  shift
  (cd "$folder" && cargo clippy --locked --all-targets "$@" -- -D warnings)
}
documented() { (cd "$crates" && RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --features tracing); }
# What docs/rust.md tells its reader, in a folder beside this one; with the crates that are here already.
page() {
  mkdir -p "$place/page/agent" && ln -sfn "$root" "$place/page/trunkline" &&
    env -u TRUNKLINE_DIR CARGO_NET_OFFLINE=true CARGO_TARGET_DIR="$place/page/target" PATH="$prefix/bin:$PATH" \
      tools/run_page.py docs/rust.md "$place/page/agent" &&
    holds "$place/page/agent/.trunkline" "answer a question"
}
build_agent() { (cd "$agent" && cargo build --locked "$@"); }
test_agent() { (cd "$agent" && cargo test --locked); }

run_tests() {
  check "the library is installed for the tests" install_it
  library=$prefix/lib
  export PKG_CONFIG_PATH=$library/pkgconfig LD_LIBRARY_PATH=$library TRUNKLINE_TEST_HEADER=$prefix/include/trunkline.h
  check "format" formatted "$crates"
  check "format of the example" formatted "$agent"
  check "lints" linted "$crates" --features tracing
  check "lints, found at run time" linted "$crates" --features tracing,dlopen
  check "lints of the example" linted "$agent"
  check "documentation" documented
  tests rust --features tracing
  export TRUNKLINE_LIBRARY=$library/libtrunkline.so.0
  # All of them again: the functions are called in another way. Neither pkg-config nor the loader knows of the library.
  unset PKG_CONFIG_PATH LD_LIBRARY_PATH
  tests rust_dlopen --features tracing,dlopen
  unset TRUNKLINE_LIBRARY
  export PKG_CONFIG_PATH=$library/pkgconfig LD_LIBRARY_PATH=$library
  check "docs/rust.md: what it says works" page
  check "the documents" python3 tests/rust/documents.py "$crates"
  check "the example is built" build_agent
  check "its own tests" test_agent
  TRUNKLINE_TEST_RUST_AGENT=$CARGO_TARGET_DIR/debug/coding_agent python3 tools/run_unittest.py \
    tests/rust/rust_agent_test.py || failed=1
}

# project NAME FEATURES: a program outside of the repository that names the crate by its path.
project() {
  mkdir -p "$place/$1/src"
  cat >"$place/$1/Cargo.toml" <<END
[package]
name = "$1"
version = "0.1.0"
edition = "2021"
[dependencies]
trunkline = { path = "$crates/trunkline", features = [$2] }
END
  cp tests/rust/host.rs "$place/$1/src/main.rs"
  cp "$crates/Cargo.lock" "$place/$1/Cargo.lock"
}
build_in() { (cd "$place/$1" && CARGO_TARGET_DIR=$place/target cargo build -q --offline); }
needs_library() { grep -q 'NEEDED.*libtrunkline\.so\.0' <<<"$(readelf -d "$place/target/debug/$1")"; }
records() {
  local name=$1
  shift
  (cd "$place" && env TRUNKLINE_DIR="$place/store-$name" "$@" "$place/target/debug/$name") &&
    holds "$place/store-$name" "from outside"
}
linked() {
  project linked '' && PKG_CONFIG_PATH=$prefix/lib/pkgconfig build_in linked && needs_library linked &&
    records linked LD_LIBRARY_PATH="$prefix/lib"
}
linked_statically() {
  project static '"static"' && PKG_CONFIG_PATH=$prefix/lib/pkgconfig build_in static && ! needs_library static &&
    records static
}
without_pkg_config() {
  mkdir -p "$place/missing"
  project missing ''
  local said
  said=$(cd "$place/missing" && PKG_CONFIG_LIBDIR=/nowhere CARGO_TARGET_DIR=$place/target-missing cargo build -q --offline 2>&1) &&
    return 1
  grep -q 'PKG_CONFIG_PATH' <<<"$said"
}
found_at_run_time() {
  project found '"dlopen"' && PKG_CONFIG_LIBDIR=/nowhere build_in found && ! needs_library found &&
    records found TRUNKLINE_LIBRARY="$prefix/lib/libtrunkline.so.0"
}
by_its_name() { records found LD_LIBRARY_PATH="$prefix/lib"; }

run_packaging() {
  unset PKG_CONFIG_PATH LD_LIBRARY_PATH TRUNKLINE_LIBRARY
  check "installs" install_it
  check "fetches" bash -c "cd '$crates' && cargo fetch -q --locked"
  check "a program outside of the repository, by pkg-config" linked
  check "the same with the archive, which needs no library to run" linked_statically
  check "without the library the build says what is missing" without_pkg_config
  check "a program that finds the library at run time, by its path" found_at_run_time
  check "the same, by its name" by_its_name
}

case $what in
  test) run_tests ;;
  packaging) run_packaging ;;
  *)
    echo "usage: run.sh test|packaging [BUILD_FOLDER]" >&2
    exit 2
    ;;
esac
exit "$failed"

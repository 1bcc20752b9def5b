#!/usr/bin/env bash
# Installs what is missing to build and check, on Debian 12. Does nothing, and needs no network, when all is there.
set -euo pipefail

# probe: a program, or a file (may be a pattern) | Debian package
needed='
gcc|gcc
g++|g++
make|make
python3|python3
/usr/include/python3*/Python.h|python3-dev
/usr/lib/python3*/ensurepip/__init__.py|python3-venv
cmake|cmake
ninja|ninja-build
ccache|ccache
clang-14|clang-14
clang-format-14|clang-format-14
clang-tidy-14|clang-tidy-14
/usr/lib/llvm-14/lib/clang/*/lib/linux/libclang_rt.tsan-*.a|libclang-rt-14-dev
/usr/include/sqlite3.h|libsqlite3-dev
/usr/include/nlohmann/json.hpp|nlohmann-json3-dev
/usr/include/protozero/pbf_writer.hpp|libprotozero-dev
/usr/include/*/curl/curl.h|libcurl4-openssl-dev
/usr/include/gtest/gtest.h|libgtest-dev
/usr/include/gmock/gmock.h|libgmock-dev
pkg-config|pkg-config
readelf|binutils
abidw|abigail-tools
valgrind|valgrind
/usr/lib/*/libjemalloc.so.2|libjemalloc2
strace|strace
setarch|util-linux
git|git
'

missing=()
while IFS='|' read -r probe package; do
  [[ -n $probe ]] || continue
  if [[ $probe == /* ]]; then
    compgen -G "$probe" >/dev/null || missing+=("$package")
  else
    command -v "$probe" >/dev/null || missing+=("$package")
  fi
done <<<"$needed"

((${#missing[@]})) || exit 0
echo "missing: ${missing[*]}"
if ! command -v apt-get >/dev/null; then
  echo "This is not Debian: install what these packages hold, then try again." >&2
  exit 1
fi
if (($(id -u) == 0)); then
  as_root=()
elif command -v sudo >/dev/null; then
  as_root=(sudo)
else
  echo "Neither root nor sudo. Ask somebody who is: apt-get install ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"

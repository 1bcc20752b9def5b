#!/usr/bin/env bash
# Installs the release build into a temporary prefix, then builds and runs hosts against it, outside the repository.
# usage: run.sh smoke|full [BUILD_FOLDER]
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mode=${1:-full}
build=$(realpath "${2:-$here/../../build}")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
prefix=$place/prefix
runs=0
area=packaging
. "$here/../../tools/check.sh"

# in_new_folder PROGRAM ARGUMENTS...: the program gets a fresh folder as its last argument.
in_new_folder() {
  runs=$((runs + 1))
  mkdir -p "$place/run-$BASHPID-$runs"
  (cd "$place" && timeout 60 "$@" "$place/run-$BASHPID-$runs")
}
pc() { PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name trunkline.pc)") pkg-config "$@" trunkline; }
linked_against() { grep -q "NEEDED.*libtrunkline\.so\.0" <<<"$(readelf -d "$1")"; }
library_folder() { dirname "$(find "$prefix" -name libtrunkline.so)"; }

install_it() { cmake --install "$build" --prefix "$prefix" --strip; }
installed_files() {
  local file missing=0
  for file in include/trunkline.h bin/trunkline lib/libtrunkline.so lib/libtrunkline.so.0 lib/libtrunkline.a \
    lib/pkgconfig/trunkline.pc lib/cmake/trunkline/trunkline-config.cmake \
    lib/cmake/trunkline/trunkline-config-version.cmake share/doc/trunkline/LICENSE \
    share/man/man1/trunkline.1 share/bash-completion/completions/trunkline share/zsh/site-functions/_trunkline \
    share/fish/vendor_completions.d/trunkline.fish \
    share/trunkline/swig/trunkline.i share/trunkline/swig/trunkline_python.i; do
    [[ -e $prefix/$file ]] || { echo "$file is not installed" && missing=1; }
  done
  return $missing
}
no_build_paths() {
  ! grep -rIl -F -e "$build" -e "$(realpath "$here/../..")/" "$prefix"
}
shared_c99() {
  gcc -std=c99 -pedantic-errors -Wall -Wextra -Werror $(pc --cflags) "$here/minimal.c" -o "$place/shared" $(pc --libs) &&
    linked_against "$place/shared" &&
    LD_LIBRARY_PATH=$(library_folder) in_new_folder "$place/shared"
}
# As one links the library statically and the rest as usual.
static_c99() {
  local libs
  libs=$(pc --static --libs)
  gcc -std=c99 $(pc --cflags) "$here/minimal.c" -o "$place/static" ${libs/-ltrunkline/-l:libtrunkline.a} &&
    ! linked_against "$place/static" && in_new_folder "$place/static"
}
fully_static_c99() {
  gcc -std=c99 -static $(pc --cflags) "$here/minimal.c" -o "$place/fully_static" $(pc --static --libs) &&
    in_new_folder "$place/fully_static"
}
cmake_project() {
  cmake -S "$here/cmake_project" -B "$place/project" -DCMAKE_PREFIX_PATH="$prefix" \
    -DHOST_SOURCE="$here/minimal.c" && cmake --build "$place/project" &&
    linked_against "$place/project/host_shared" && ! linked_against "$place/project/host_static" &&
    in_new_folder "$place/project/host_shared" && in_new_folder "$place/project/host_static"
}
too_new_is_refused() {
  mkdir -p "$place/newer"
  sed 's/trunkline 0.1/trunkline 99.0/' "$here/cmake_project/CMakeLists.txt" >"$place/newer/CMakeLists.txt"
  ! cmake -S "$place/newer" -B "$place/newer/build" -DCMAKE_PREFIX_PATH="$prefix" -DHOST_SOURCE="$here/minimal.c"
}
loaded_late() {
  gcc -std=gnu11 -Wall -Wextra -Werror "$here/loader.c" -o "$place/loader" -ldl &&
    ! linked_against "$place/loader" &&
    in_new_folder "$place/loader" "$(library_folder)/libtrunkline.so.0"
}
cxx() {
  g++ -x c++ "-std=$1" -pedantic-errors -Wall -Wextra -Werror $(pc --cflags) "$here/minimal.c" -o "$place/cxx" \
    $(pc --libs) && LD_LIBRARY_PATH=$(library_folder) in_new_folder "$place/cxx"
}
staged() {
  DESTDIR=$place/stage cmake --install "$build" --prefix /opt/host &&
    [[ -e $place/stage/opt/host/include/trunkline.h ]] &&
    grep -qx 'prefix=/opt/host' "$place/stage/opt/host/lib/pkgconfig/trunkline.pc"
}
bill_of_materials() {
  local bill=$prefix/share/doc/trunkline/trunkline.spdx.json tools=$here/../../tools
  grep -q "$(sha256sum <"$(library_folder)/libtrunkline.so" | cut -d' ' -f1)" "$bill" || { echo "it is of another library" && return 1; }
  "$("$tools/python_environment.py" tests/packaging/requirements.txt)/bin/pyspdxtools" -i "$bill"
}
# Every command of a page, with a control: the same page with a word of it changed must fail.
page() {
  local root=$here/../.. changed=$place/changed.md name
  name=$(basename "$1" .md)
  sed "s/$2/$3/" "$root/$1" >"$changed"
  ! cmp -s "$changed" "$root/$1" && follow "$root/$1" "$place/page-$name" && ! follow "$changed" "$place/changed-$name"
}
follow() {
  mkdir -p "$2"
  TRUNKLINE_PREFIX=$prefix PKG_CONFIG_PATH=$(library_folder)/pkgconfig LD_LIBRARY_PATH=$(library_folder) \
    PATH=$prefix/bin:$PATH "$here/../../tools/run_page.py" "$1" "$2"
}
command_line() { "$prefix/bin/trunkline" --help && ! readelf -d "$prefix/bin/trunkline" | grep -E 'RPATH|RUNPATH|libtrunkline'; }

check "installs" install_it
check "C99, pkg-config, shared" shared_c99
check "loaded by name, without header and library at build time" loaded_late
check "README.md: what it says works" page README.md "tr_span_end(call)" "tr_span_end()"
check "docs/c.md: what it says works" page docs/c.md "tokens == 16" "tokens == 17"
if [[ $mode == full ]]; then
  check "every file is there" installed_files
  check "no path of the build in what is installed" no_build_paths
  check "C99, pkg-config, static" static_c99
  check "C99, pkg-config, everything static" fully_static_c99
  check "a CMake project, shared and static" cmake_project
  check "a CMake project that asks for a newer version is refused" too_new_is_refused
  for standard in c++11 c++14 c++17 c++20; do
    check "$standard, pkg-config" cxx "$standard"
  done
  check "the installed program runs alone" command_line
  check "DESTDIR" staged
  check "the bill of materials is valid SPDX, of this library" bill_of_materials
fi
exit "$failed"

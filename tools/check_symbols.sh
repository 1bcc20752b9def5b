#!/usr/bin/env bash
# Checks what libtrunkline.so exports and how it was linked, and that nothing of it runs at load or at exit.
# usage: check_symbols.sh [--lib FILE] [--archive FILE] | --update
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
export LC_ALL=C

lib=build/lib/libtrunkline.so
archive=build/lib/libtrunkline.a
list=capi/symbols.txt
while (($#)); do
  case $1 in
    --lib) lib=$2 && shift 2 ;;
    --archive) archive=$2 && shift 2 ;;
    --list) list=$2 && shift 2 ;;
    --update) exec python3 tools/header_model.py functions capi/include/trunkline.h >"$list" ;;
    *) echo "unknown argument: $1" >&2 && exit 2 ;;
  esac
done

failed=0
# check NAME PROBLEMS: passes when PROBLEMS is empty.
check() {
  if [[ -z $2 ]]; then
    echo "ok symbols: $1"
  else
    echo "FAILED symbols: $1"
    sed 's/^/    /' <<<"$2" | head -40
    failed=1
  fi
}
has() { grep -Eq -- "$2" <<<"$1" || echo "$3"; }
has_not() { grep -E -- "$2" <<<"$1"; }

for file in "$lib" "$archive" "$list"; do
  if [[ ! -s $file ]]; then
    check "there is something to look at" "$file is missing"
    exit 1
  fi
done

exported=$(nm -D --defined-only --with-symbol-versions "$lib" | awk '{print $3}' | grep -v '^TRUNKLINE_0\(@@TRUNKLINE_0\)\?$')
declared=$(python3 tools/header_model.py functions capi/include/trunkline.h)
names=$(sed 's/@.*//' <<<"$exported" | sort)
check "the list is what the header declares" "$(diff <(echo "$declared") "$list")"
check "the library exports the list, no more and no less" "$(diff <(echo "$names") "$list")"
check "every export has the version node" "$(grep -v '@@TRUNKLINE_0$' <<<"$exported")"
check "the archive has no C name but tr_*" \
  "$(nm -g --defined-only "$archive" 2>/dev/null | awk 'NF == 3 && $3 !~ /^(_Z|tr_|DW\.ref\.)/ {print $3}')"

undefined=$(nm -D -u "$lib")
dynamic=$(readelf -dW "$lib")
headers=$(readelf -lW "$lib")
sections=$(readelf -SW "$lib")
check "soname" "$(has "$dynamic" 'SONAME.*\[libtrunkline\.so\.0\]' 'it is not libtrunkline.so.0')"
check "bound at load" "$(has "$dynamic" 'BIND_NOW|FLAGS_1.*NOW' 'no NOW')"
check "never unloaded" "$(has "$dynamic" 'FLAGS_1.*NODELETE' 'no NODELETE')"
check "relocations read-only" "$(has "$headers" 'GNU_RELRO' 'no GNU_RELRO')"
check "stack not executable" "$(has "$headers" 'GNU_STACK.* RW ' 'GNU_STACK is missing or executable')"
check "stacks and calls of the C library are checked" \
  "$(has "$undefined" '__stack_chk_fail' 'no -fstack-protector'; has "$undefined" '__[a-z]+_chk(@|$)' 'no _FORTIFY_SOURCE')"
check "no search path" "$(has_not "$dynamic" 'RPATH|RUNPATH')"
check "no text relocations" "$(has_not "$dynamic" 'TEXTREL')"
check "thread-local storage can be loaded late" "$(has_not "$dynamic" 'STATIC_TLS')"
check "its own functions are its own, also beside another copy" "$(readelf -rW "$lib" | grep -E ' tr_[a-z_]+')"
check "needs no C++ runtime" "$(has_not "$dynamic" 'NEEDED.*(libstdc|libc\+\+)')"
check "has no unwinder of its own" "$(nm --defined-only "$lib" | grep -w _Unwind_RaiseException)" # no exception of a hook could pass
check "no path of the machine that built it" "$(strings -a "$lib" | grep -F "$PWD/" | head -5)"

# One pointer in .fini_array is the compiler's own; more are destructors of the library.
check "nothing of it runs at unload" \
  "$(awk '$0 ~ /\.fini_array/ {for (i = 1; i <= NF; i++) if ($i == "FINI_ARRAY" && $(i + 3) !~ /^0*8$/) print}' <<<"$sections")"
check "no object has static destructors" \
  "$(nm -A -u "$archive" 2>/dev/null | grep -E ' __cxa_atexit$')"
check "no object runs anything at load" \
  "$(readelf -SW "$archive" 2>/dev/null | awk '/^File: /{file = $2} / \.(init_array|ctors|preinit_array)/{print file, $0}')"

exit $failed

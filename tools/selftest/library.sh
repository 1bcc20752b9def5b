# Samples for abi_gate.py, check_symbols.sh and run_tidy.py: a small library that is built here. Read by
# tools/selftest.sh.
# shellcheck shell=bash

library=$place/library
mkdir -p "$library/capi/include" "$library/tools" "$library/tests/abi" "$library/build/lib"
cp "$tools"/*.py "$tools"/*.sh "$library/tools/"
printf 'TRUNKLINE_0 { global: tr_*; local: *; };\n' >"$library/capi/trunkline.map"

write_library() {
  sound_header >"$library/capi/include/trunkline.h"
  cat >"$library/capi/sample.cpp" <<'C'
#include <cstdio>
#include "trunkline.h"
int tr_set(const tr_config *config, tr_hook hook) {
  char text[32];
  return snprintf(text, sizeof text, "%p%d", static_cast<const void *>(config), hook != nullptr) > 2 ? text[0] : 0;
}
int tr_set_pair(const tr_pair *pair) { return pair->left; }
const char *tr_name(void) { return "sample"; }
C
}
# build_library [COMPILER OR LINKER FLAGS]: a compiler's default flags differ, so that all that counts is given.
build_library() {
  (
    cd "$library" || exit 1
    g++ -g -O1 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIC -fvisibility=hidden -ffile-prefix-map="$library"=. -Icapi/include "${@:2}" -c capi/sample.cpp -o sample.o &&
      rm -f build/lib/libtrunkline.a && ar rcs build/lib/libtrunkline.a sample.o &&
      g++ -shared sample.o -o build/lib/libtrunkline.so -Wl,-soname,libtrunkline.so.0 -static-libstdc++ -shared-libgcc \
        -Wl,--version-script=capi/trunkline.map $1
  )
}
good_link='-Wl,-z,nodelete,-z,relro,-z,now,-z,noexecstack'

abi() { in_folder "$library" tools/abi_gate.py "$1"; }
symbols() { in_folder "$library" tools/check_symbols.sh "$@"; }
# changed FILE SED_SCRIPT [FILE SED_SCRIPT]: the library with a change, built anew; then the gate.
changed() {
  write_library
  while (($#)); do
    sed -i -e "$2" "$library/$1"
    shift 2
  done
  build_library "$good_link" && abi check
}
header=capi/include/trunkline.h

write_library
refuses "an ABI without a baseline" 'is missing' abi check
build_library "$good_link"
accepts "a baseline" abi update
accepts "an ABI that is as it was" abi check
accepts "a layout that is as it was" gcc -fsyntax-only -I"$library/capi/include" "$library/tests/abi/layout_test.c"
accepts "a struct that grows at its end" changed $header 's/  uint32_t flags;/&\n  uint64_t more;/'
accepts "its layout" gcc -fsyntax-only -I"$library/capi/include" "$library/tests/abi/layout_test.c"
accepts "a new function" changed $header 's|^/\*\* The name|/** New. */\nTR_API void tr_new(void);\n&|' \
  capi/sample.cpp '$a void tr_new(void) {}'
accepts "a new constant" changed $header 's/^#define TR_EIO/#define TR_ENEW (-9)\n&/'
refuses "a member in the middle" 'FAILED abi: functions and types' changed $header 's/  uint32_t flags;/  uint32_t before;\n&/'
refuses "its layout" 'has moved' gcc -fsyntax-only -I"$library/capi/include" "$library/tests/abi/layout_test.c"
refuses "a member of another type" 'FAILED abi: members' changed $header 's/uint32_t flags;/uint64_t flags;/'
refuses "a member of another type and equal size" 'FAILED abi: members' changed $header 's/uint32_t flags;/float flags;/'
refuses "a member of another type while the struct grows" 'FAILED abi: members' changed $header 's/uint32_t flags;/float flags;\n  uint32_t more;/'
refuses "growth of a struct without its size" 'FAILED abi: functions and types' changed $header 's/  int32_t right;/&\n  int32_t more;/'
refuses "a function that is gone" 'FAILED abi: functions and types' changed $header '/tr_name/d' capi/sample.cpp '/tr_name/d'
refuses "a parameter of another type" 'FAILED abi: functions and types' changed \
  $header 's/tr_set_pair(const tr_pair \*pair)/tr_set_pair(const tr_pair *pair, int n)/' \
  capi/sample.cpp 's/tr_set_pair(const tr_pair \*pair)/tr_set_pair(const tr_pair *pair, int)/'
refuses "a hook of another type" 'FAILED abi: functions and types' changed $header 's/(void \*user_data, const tr_pair/(void *user_data, int n, const tr_pair/'
refuses "a renumbered constant" 'TR_EIO was \(-2\) and is \(-3\)' changed $header 's/TR_EIO (-2)/TR_EIO (-3)/'
refuses "a constant that is gone" 'TR_EIO was .* gone' changed $header '/TR_EIO/d'

write_library
build_library "$good_link"
symbols --update
accepts "a sound library" symbols
# linked LINKER_FLAGS [COMPILER_FLAGS]: the sample, linked in another way.
linked() { build_library "$@" && symbols; }
# coded LINE [COMPILER_FLAGS]: the sample with a line of code more.
coded() {
  write_library
  echo "$1" >>"$library/capi/sample.cpp"
  build_library "$good_link" "${@:2}" && symbols
}
# listed SED_SCRIPT: the sample, its list of symbols changed.
listed() {
  sed -i -e "$1" "$library/capi/symbols.txt"
  symbols
  local result=$?
  symbols --update
  return $result
}
refuses "a function that was forgotten" 'FAILED symbols: the list is' listed '/tr_name/d'
refuses "an export that nobody declared" 'FAILED symbols: the library exports' coded 'extern "C" TR_API int tr_secret(void) { return 1; }'
refuses "a C name of another prefix" 'FAILED symbols: the archive has no C name' coded 'extern "C" int helper(void) { return 1; }'
refuses "a static destructor" 'FAILED symbols: no object has static destructors' coded 'struct S { S(); ~S(); }; S::S() {} S::~S() {} S s;'
refuses "a static constructor" 'FAILED symbols: no object runs anything at load' coded 'extern "C" int getpid(); static volatile int v = getpid();'
refuses "a function that runs at unload" 'FAILED symbols: nothing of it runs at unload' coded '__attribute__((destructor)) static void at_unload() { static volatile int n; n = 1; }'
refuses "initial-exec storage" 'FAILED symbols: thread-local' coded 'extern thread_local int t; thread_local int t = 0; int get() { return t; } int (*volatile keep)() = get;' -ftls-model=initial-exec
write_library
refuses "lazy binding" 'FAILED symbols: bound at load' linked '-Wl,-z,nodelete,-z,relro,-z,lazy,-z,noexecstack'
refuses "a library that can be unloaded" 'FAILED symbols: never unloaded' linked '-Wl,-z,relro,-z,now,-z,noexecstack'
refuses "writable relocations" 'FAILED symbols: relocations' linked '-Wl,-z,nodelete,-z,norelro,-z,now,-z,noexecstack'
refuses "stacks that are not checked" 'FAILED symbols: stacks and calls' coded '' -fno-stack-protector
refuses "calls of the C library that are not checked" 'no _FORTIFY_SOURCE' coded '' -U_FORTIFY_SOURCE
write_library
refuses "an executable stack" 'FAILED symbols: stack' linked '-Wl,-z,nodelete,-z,relro,-z,now,-z,execstack'
refuses "a search path" 'FAILED symbols: no search path' linked "$good_link,-rpath,/opt"
echo 'int thrown(int n) { try { if (n > 0) throw n; } catch (...) { return 1; } return 0; }' >>"$library/capi/sample.cpp"
accepts "code that throws" linked "$good_link"
refuses "an unwinder of its own" 'FAILED symbols: has no unwinder' linked "$good_link -static-libgcc"

mkdir -p "$library/core/os" "$library/build-clang"
tidy_sample() {
  printf '%s\n' "$1" >"$library/core/os/sample.cpp"
  printf '[{"directory": "%s", "file": "%s", "command": "clang++-14 -std=c++20 -c %s -o x.o"}]\n' \
    "$library" "$library/core/os/sample.cpp" "$library/core/os/sample.cpp" >"$library/build-clang/compile_commands.json"
  in_folder "$library" tools/run_tidy.py --config "$tools/../.clang-tidy"
}
defect='int f(int n) { if (n == 1) { return 2; } else if (n == 1) { return 3; } int *p = 0; return *p; }'
accepts "clean code" tidy_sample 'int f(int n) { return n; }'
accepts "clean code again, from the cache" grep -q '1 of them unchanged' <(tidy_sample 'int f(int n) { return n; }')
refuses "a defect" 'FAILED tidy' tidy_sample "$defect"
refuses "a defect again: it is not taken for known" 'FAILED tidy' tidy_sample "$defect"

# Samples for check_bindings.py: a header of three functions and a binding in each language. Read by tools/selftest.sh.
# shellcheck shell=bash

bindings=$place/bindings
write_bindings() {
  rm -rf "$bindings"
  mkdir -p "$bindings"/capi/include "$bindings"/bindings/{swig,python/native,go,rust/trunkline/src,rust/trunkline-sys/src}
  sound_header >"$bindings/capi/include/trunkline.h"
  echo '%ignore tr_set_pair;' >"$bindings/bindings/swig/python.i"
  echo 'int set(void) { return tr_set_pair(0); }' >"$bindings/bindings/python/native/pair.c"
  printf 'package go\nfunc a() { C.tr_set(); C.tr_name() }\n' >"$bindings/bindings/go/a.go"
  echo 'int glue(void) { return tr_set_pair(0); }' >"$bindings/bindings/go/glue.c"
  echo 'functions! { tr_set(config: *const tr_config) -> c_int; tr_set_pair(pair: *const tr_pair) -> c_int; tr_name() -> *const c_char; }' >"$bindings/bindings/rust/trunkline-sys/src/lib.rs"
  echo 'fn all() { sys::tr_set(); sys::tr_set_pair(); sys::tr_name(); }' >"$bindings/bindings/rust/trunkline/src/lib.rs"
}
# bound [FILE SED_SCRIPT]: the samples with a change.
bound() {
  write_bindings
  if (($#)); then sed -i -e "$2" "$bindings/bindings/$1"; fi
  "$tools/check_bindings.py" --root "$bindings"
}
# excused LINE: the Go sample calls one function less, which the line excuses.
excused() {
  write_bindings
  sed -i -e 's/C.tr_name()//' "$bindings/bindings/go/a.go"
  echo "$1" >"$bindings/bindings/unbound.txt"
  "$tools/check_bindings.py" --root "$bindings"
}
without_go() {
  write_bindings
  rm -r "$bindings/bindings/go"
  "$tools/check_bindings.py" --root "$bindings"
}

accepts "bindings that reach everything" bound
accepts "their counts" grep -x 'functions 3 python 3 go 3 rust 3' <(bound)
refuses "a function that Python leaves out" 'tr_set_pair is not reached' bound python/native/pair.c 's/tr_set_pair(0)/0/'
refuses "a function that SWIG is told to leave out" 'tr_name is not reached' bound swig/python.i '$a %ignore tr_name;'
refuses "a function that Go leaves out" 'FAILED bindings: go' bound go/a.go 's/C.tr_name()//'
refuses "a function that Go only speaks of" 'tr_name is not reached' bound go/a.go 's|C.tr_name()|/* C.tr_name() */|'
refuses "a function that Rust does not declare" 'tr_name is not reached' bound rust/trunkline-sys/src/lib.rs 's/tr_name() -> //'
refuses "a function that Rust declares and does not use" 'FAILED bindings: rust' bound rust/trunkline/src/lib.rs 's/sys::tr_name();//'
accepts "a function that is excused" excused 'go tr_name nobody asks'
refuses "an excuse without a reason" 'tr_name has no reason' excused 'go tr_name'
refuses "an excuse for what is reached" 'tr_set is reached' excused "$(printf 'go tr_name nobody asks\ngo tr_set nobody sets')"
refuses "an excuse for no function" 'tr_gone is no function' excused "$(printf 'go tr_name nobody asks\ngo tr_gone it went')"
accepts "a binding that is not there, which is said" grep 'there is no bindings/go' <(without_go)

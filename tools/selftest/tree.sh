# Samples for check_includes.py, check_tree.py and check_format.sh. Read by tools/selftest.sh.
# shellcheck shell=bash

# new_tree: a small sound tree in $tree.
new_tree() {
  tree=$place/tree
  rm -rf "$tree"
  mkdir -p "$tree"/{capi/include,core/{model,os,record,log,pipeline,encode,store,processors/{one,two}},examples,cli}
  printf '/* The public header. */\n' >"$tree/capi/include/trunkline.h"
  local folder
  for folder in model os record log pipeline encode store processors/one processors/two; do
    printf '// A sample.\n#pragma once\n\n#include "trunkline.h"\n' >"$tree/core/$folder/part.hpp"
    printf '#include "%s/part.hpp"\n' "$folder" >"$tree/core/$folder/part.cpp"
  done
  printf '#include "pipeline/part.hpp"\n#include "record/part.hpp"\n' >"$tree/capi/trace.cpp"
  printf '#include "store/part.hpp"\n\n#include <iostream>\n' >"$tree/cli/main.cpp"
  printf '#include "trunkline.h"\n' >"$tree/examples/agent.c"
  printf '#!/bin/sh\ntrue\n' >"$tree/run.sh"
  chmod +x "$tree/run.sh"
}
# with TEXT FILE COMMAND...: the sound tree with a line more at the end of FILE.
with() {
  new_tree
  printf '%b\n' "$1" >>"$tree/$2"
  shift 2
  "$@"
}
includes() { "$tools/check_includes.py" --root "$tree"; }
with_second_of_cycle() {
  printf '// A.\n#pragma once\n#include "os/b.hpp"\n' >"$tree/core/os/a.hpp"
  includes
}
with_folder_cycle() {
  printf '#include "os/part.hpp"\n' >>"$tree/core/model/part.cpp"
  includes
}
includes_in_new_folder() {
  mkdir "$tree/core/extra"
  mv "$tree/core/new.hpp" "$tree/core/extra/new.hpp"
  includes
}
files_with_bit() {
  chmod +x "$tree/run.txt"
  files
}
files() { "$tools/check_tree.py" --root "$tree"; }
format() { TRUNKLINE_CHECK_ROOT=$tree "$tools/check_format.sh"; }

new_tree
accepts "sound includes" includes
accepts "a downward include" with '#include "log/part.hpp"' core/pipeline/part.cpp includes
refuses "an upward include" 'record must not include "pipeline' with '#include "pipeline/part.hpp"' core/record/part.cpp includes
refuses "record and log apart" 'record must not include "log' with '#include "log/part.hpp"' core/record/part.cpp includes
refuses "a processor that reaches the pipeline" 'processors must not' with '#include "pipeline/part.hpp"' core/processors/one/part.cpp includes
refuses "a processor that reaches another" 'another' with '#include "processors/two/part.hpp"' core/processors/one/part.cpp includes
refuses "a cycle of files" 'a\.hpp -> .*b\.hpp' with '// B.\n#pragma once\n#include "os/a.hpp"' core/os/b.hpp with_second_of_cycle
refuses "a cycle of folders" 'os -> model|model -> os' with '#include "model/part.hpp"' core/os/part.cpp with_folder_cycle
refuses "an include that is not rooted" 'no file rooted' with '#include "part.hpp"' core/os/part.cpp includes
refuses "an include of nothing" 'no file rooted' with '#include "os/gone.hpp"' core/os/part.cpp includes
refuses "a folder that is in no rule" 'is not in the table' with '// New.\n#pragma once\n#include "os/part.hpp"' core/new.hpp includes_in_new_folder
refuses "a header without a purpose" 'purpose' with '#pragma once' core/os/silent.hpp includes
refuses "a header without a guard" 'pragma once' with '// A purpose.' core/os/twice.hpp includes
refuses "iostream in the library" 'iostream' with '#include <iostream>' core/os/part.cpp includes
refuses "the JSON library in a header" 'nlohmann' with '#include <nlohmann/json.hpp>' core/os/part.hpp includes
refuses "an example that sees the inside" 'must not include' with '#include "os/part.hpp"' examples/agent.c includes

new_tree
accepts "sound files" files
refuses "unfinished business" 'unfinished' with "// TO""DO: later" core/os/part.cpp files
refuses "a path of a machine" 'one machine' with "see /wo""rk/here" notes.md files
refuses "a merge conflict" 'conflict' with '<<<<<<< ours' notes.md files
refuses "a long file" 'more than 560' with "$(printf '//\\n%.0s' {1..560})" core/os/part.cpp files
refuses "a blank at the end of a line" 'blanks' with 'int x; ' core/os/part.cpp files
refuses "a script that cannot run" 'not executable' with '#!/bin/sh' tool.sh files
refuses "a source that can run" 'is executable' with '' run.txt files_with_bit
refuses "a large file" 'bytes' with "$(head -c 1100000 /dev/zero | tr '\0' 'a')" notes.md files

new_tree
accepts "sound format" format
refuses "a bad format" 'FAILED format' with 'int  f( ){return 1 ;}' core/os/part.cpp format

#!/usr/bin/env python3
"""The ABI gate: what a program built against an older trunkline.h relies on must still hold. `check` compares the
library and the header with tests/abi/; `update` writes tests/abi/ anew. docs/abi.md says what may change."""
import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile

import header_model
from report import Report

BASELINE = "tests/abi/baseline.abi.xml"
DECLARATIONS = "tests/abi/declarations.txt"
LAYOUT = "tests/abi/layout_test.c"
HEADER = "capi/include/trunkline.h"
VERSIONS = re.compile(r"^TR_(VERSION_\w+|ABI_VERSION)$")

LAYOUT_HEAD = """\
/* The layout of every public struct, as programs built against the header rely on it, on the 64-bit platforms that are
 * supported. Structs that begin with struct_size may grow at their end; the others never change. Written by
 * tools/abi_gate.py update. */
#include <stddef.h>

#include "trunkline.h"

#define FIELD(type, field, offset, size)                                                            \\
  _Static_assert(offsetof(type, field) == (offset), #type "." #field " has moved");                 \\
  _Static_assert(sizeof(((type *)0)->field) == (size), #type "." #field " has changed its size")
#define FIXED(type, size) _Static_assert(sizeof(type) == (size), #type " has changed its size")
#define GROWS(type, size) _Static_assert(sizeof(type) >= (size), #type " has become smaller")

_Static_assert(sizeof(void *) == 8 && sizeof(size_t) == 8, "a 64-bit platform");
"""


def run(command):
    return subprocess.run(command, capture_output=True, text=True)


def dump_abi(library, out):
    result = run(["abidw", "--headers-dir", os.path.dirname(HEADER), "--no-corpus-path", "--no-comp-dir-path",
                  "--no-show-locs", "--no-architecture", "--no-elf-needed", "--exported-interfaces-only",
                  "--drop-private-types", "--drop-undefined-syms", "--type-id-style", "hash",
                  "--out-file", out, library])
    return result.stderr.strip().split("\n")[:5] if result.returncode else []


def growth_suppressions(header):
    """Structs that carry their size may grow at the end; abidiff is told so, and nothing else."""
    rules = []
    for struct in header.structs.values():
        if struct.growable:
            rules.append(f"[suppress_type]\n  name = {struct.name}\n  type_kind = struct\n"
                         "  has_data_member_inserted_at = end\n  has_size_change = yes\n")
    return "\n".join(rules)


def compare(baseline, library, header):
    with tempfile.TemporaryDirectory() as folder:
        rules, now = os.path.join(folder, "rules.abignore"), os.path.join(folder, "now.abi.xml")
        write(rules, growth_suppressions(header))
        if problems := dump_abi(library, now):
            return problems
        result = run(["abidiff", "--no-added-syms", "--suppressions", rules, baseline, now])
    return (result.stdout + result.stderr).strip().split("\n") if result.returncode else []


def constants_of(header):
    return {name: value for name, value in header.constants.items() if not VERSIONS.match(name)}


def declarations_text(header):
    lines = ["# What trunkline.h declares beyond functions: members of structs, in order, and values of constants.",
             "# Written by tools/abi_gate.py update."]
    for struct in header.structs.values():
        lines += [f"member {struct.name} {declaration}" for _, declaration in struct.members]
    lines += [f"constant {name} {value}" for name, value in sorted(constants_of(header).items())]
    return "\n".join(lines) + "\n"


def read_declarations():
    """({struct: [declaration]}, {constant: value}) of the baseline."""
    members, constants = {}, {}
    with open(DECLARATIONS, encoding="utf-8") as file:
        for line in file.read().splitlines():
            kind, _, rest = line.partition(" ")
            name, _, value = rest.partition(" ")
            if kind == "member":
                members.setdefault(name, []).append(value)
            elif kind == "constant":
                constants[name] = value
    return members, constants


def compare_members(header, old):
    """abidiff, told to let a struct grow, overlooks other changes of the same struct; this does not."""
    problems = []
    for name, members in old.items():
        struct = header.structs.get(name)
        now = [declaration for _, declaration in struct.members] if struct else []
        problems += [f"{name}: '{was}' is now '{now[i] if i < len(now) else 'gone'}'"
                     for i, was in enumerate(members) if now[i:i + 1] != [was]]
        if len(now) > len(members) and not struct.growable:
            problems.append(f"{name} has grown and does not carry its size")
    return problems


def compare_constants(header, old):
    now = constants_of(header)
    return [f"{name} was {value} and is {now.get(name, 'gone')}" for name, value in old.items()
            if now.get(name) != value]


def layout_source(header):
    """layout_test.c, its numbers taken from a program that the compiler here makes."""
    expressions = []
    for struct in header.structs.values():
        expressions.append((struct.name, None))
        expressions += [(struct.name, name) for name, _ in struct.members]
    prints = [f'printf("%zu %zu\\n", (size_t)0, sizeof({s}));' if m is None else
              f'printf("%zu %zu\\n", offsetof({s}, {m}), sizeof((({s} *)0)->{m}));' for s, m in expressions]
    with tempfile.TemporaryDirectory() as folder:
        source, program = os.path.join(folder, "probe.c"), os.path.join(folder, "probe")
        with open(source, "w", encoding="utf-8") as file:
            file.write('#include <stdio.h>\n#include "trunkline.h"\nint main(void) {\n' + "\n".join(prints) +
                       "\nreturn 0;\n}\n")
        subprocess.run(["gcc", "-I", os.path.dirname(HEADER), source, "-o", program], check=True)
        numbers = [line.split() for line in run([program]).stdout.splitlines()]
    lines = [LAYOUT_HEAD]
    for (struct, member), (offset, size) in zip(expressions, numbers):
        if member is None:
            lines.append(f"\n{'GROWS' if header.structs[struct].growable else 'FIXED'}({struct}, {size});")
        else:
            lines.append(f"FIELD({struct}, {member}, {offset}, {size});")
    lines.append("\nint main(void) { return 0; }")
    text = "\n".join(lines) + "\n"
    formatted = subprocess.run(["clang-format-14", f"--assume-filename={LAYOUT}"], input=text, text=True,
                               capture_output=True, check=True)
    return formatted.stdout


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def update(header, library):
    write(LAYOUT, layout_source(header))
    write(DECLARATIONS, declarations_text(header))
    if not os.path.exists(library):
        print(f"{library} is not there: the baseline of its functions and types is not written")
        return 0
    problems = dump_abi(library, BASELINE)
    print("\n".join(problems) or f"{BASELINE}, {DECLARATIONS} and {LAYOUT} are written")
    return 1 if problems else 0


def baseline_problems():
    with open(BASELINE, encoding="utf-8") as file:
        text = file.read()
    return [] if "function-decl" in text and "tr_" in text else [f"{BASELINE} describes no function of the library"]


def check(header, library):
    report = Report("abi")
    if not glob.glob("capi/*.cpp"):
        report.check("nothing to compare: capi/ has no sources", [])
        return report.exit_code()
    missing = [f"{path} is missing: run make abi-baseline" for path in (BASELINE, DECLARATIONS, LAYOUT)
               if not os.path.exists(path)]
    missing += [f"{library} is missing: run make build"] if not os.path.exists(library) else []
    report.check("there is a baseline and a library", missing)
    if not missing:
        report.check("the baseline describes the library", baseline_problems())
        report.check("functions and types only grow", compare(BASELINE, library, header))
        members, constants = read_declarations()
        report.check("members keep their place and type", compare_members(header, members))
        report.check("constants keep their values", compare_constants(header, constants))
    return report.exit_code()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("check", "update"))
    parser.add_argument("--lib", default="build/lib/libtrunkline.so")
    options = parser.parse_args()
    return {"check": check, "update": update}[options.command](header_model.parse(HEADER), options.lib)


if __name__ == "__main__":
    sys.exit(main())

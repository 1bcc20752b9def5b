#!/usr/bin/env python3
"""Checks the public header: its size, that every function is documented and resolved, that foreign function interfaces
can read it, and that it compiles alone in every language version. --table prints what was resolved."""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

import header_model
from report import Report

MAX_LINES = 1200
C_VERSIONS = ("c99", "c11", "c17")
CXX_VERSIONS = ("c++11", "c++14", "c++17", "c++20", "c++2b")


def documentation(header):
    problems = []
    for section in header.sections:
        if section.functions:
            problems += [f"line {section.line}: section '{section.title}' states no default for {key}"
                         for key in header_model.FIELDS if not section.defaults.get(key)]
    in_sections = {f.name for section in header.sections for f in section.functions}
    for function in header.functions:
        where = f"line {function.line}: {function.name}"
        if function.name not in in_sections:
            problems.append(f"{where} belongs to no section")
        if not function.doc:
            problems.append(f"{where} has no /** comment directly before it")
            continue
        problems += [f"{where}: {key} is not known" for key, value in function.fields.items()
                     if not value and key != "Errors"]
        if function.result == "int" and not function.fields.get("Errors"):
            problems.append(f"{where} returns int and does not say which errors")
    return problems


def references(header):
    """Names in comments that nothing declares: a renamed function leaves these behind."""
    identifiers = set(re.findall(r"\b[A-Za-z_]\w*", header.code)) | set(header.constants) | {"TR_API", "TR_"}
    problems = []
    for start, _, comment in header.comments:
        for match in re.finditer(r"\b(?:tr|TR)_\w*(\.\.\.)?", comment):
            word = match.group(0)
            if match.group(1):
                known = any(name.startswith(word[:-3]) for name in identifiers)
            else:
                known = word in identifiers
            if not known:
                line = header.text.count("\n", 0, start + match.start()) + 1
                problems.append(f"line {line}: {word} is not declared")
    return problems


def by_value(header, declaration):
    """The struct that a parameter or result passes by value, if any."""
    words = set(re.findall(r"\w+", declaration))
    if "*" in declaration or "[" in declaration:
        return None
    return next((name for name in header.structs if name in words), None)


def readability(header):
    """What SWIG, cgo, bindgen, ctypes and the others cannot read, or read each in its own way."""
    problems = []
    for rule, pattern, text in (
            ("varargs", r"\.\.\.", header.code),
            ("a bit-field", r"\w\s*:\s*\d+\s*;", header.code),
            ("a union", r"\bunion\b", header.code),
            ("an enum (its size is the compiler's choice)", r"\benum\b", header.code),
            ("a flexible array", r"\[\s*\]\s*;", header.code),
            ("a type whose size is not fixed", r"\b(long|wchar_t|_Bool|bool|short|time_t|va_list)\b", header.code),
            ("a function-like macro", r"^[ \t]*#\s*define\s+\w+\(", header.text)):
        problems += [f"line {text.count(chr(10), 0, match.start()) + 1}: {rule}"
                     for match in re.finditer(pattern, text, re.M)]
    calls = [(f.name, f.result, f.params, f.line) for f in header.functions]
    calls += [(name, "", params, line) for name, params, line in header.callbacks]
    for name, result, params, line in calls:
        problems += [f"line {line}: {name} passes {struct} by value" for part in header_model.split_params(params)
                     if (struct := by_value(header, part))]
        if struct := by_value(header, result):
            problems.append(f"line {line}: {name} returns {struct} by value")
    problems += [f"line {function.line}: {function.name} does not begin with tr_" for function in header.functions
                 if not function.name.startswith("tr_")]
    problems += [f"line {s.line}: struct_size is not the first member of {s.name}" for s in header.structs.values()
                 if s.growable and s.members[0] != ("struct_size", "uint32_t struct_size")]
    return problems


def compile_alone(path, compiler, version):
    is_c = not version.startswith("c++")
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "alone.c" if is_c else "alone.cpp")
        with open(source, "w", encoding="utf-8") as file:
            file.write('#include "%s"\n#include "%s"\nint main(void) { return 0; }\n' % ((os.path.abspath(path),) * 2))
        command = [compiler, f"-std={version}", "-pedantic-errors", "-Wall", "-Wextra", "-Wconversion", "-Wundef",
                   "-Werror", "-fsyntax-only", source]
        command += ["-Wstrict-prototypes"] if is_c else ["-Wold-style-cast"]
        result = subprocess.run(command, capture_output=True, text=True)
        return [] if result.returncode == 0 else (result.stderr.strip() or "it does not compile").split("\n")[:8]


def print_table(header):
    columns = header_model.FIELDS + ("Errors",)
    print("| function | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for function in header.functions:
        cells = [(function.fields.get(column) or "–").replace("|", "\\|") for column in columns]
        print(f"| `{function.name}` | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("header", nargs="?", default="capi/include/trunkline.h")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--no-compile", action="store_true")
    options = parser.parse_args()
    header = header_model.parse(options.header)
    if options.table:
        print_table(header)
        return 0
    report = Report("header")
    lines = header.text.count("\n")
    report.check(f"at most {MAX_LINES} lines", [f"it has {lines}"] if lines > MAX_LINES else [])
    report.check("declares functions", [] if header.functions else ["none was found"])
    report.check("every function is documented", documentation(header))
    report.check("comments name only what is declared", references(header))
    report.check("every foreign function interface can read it", readability(header))
    if not options.no_compile:
        for compilers, versions in ((("gcc", "clang-14"), C_VERSIONS), (("g++", "clang++-14"), CXX_VERSIONS)):
            for compiler in compilers:
                for version in versions:
                    missing = [] if shutil.which(compiler) else [f"{compiler} is not installed"]
                    report.check(f"alone as {version} with {compiler}",
                                 missing or compile_alone(options.header, compiler, version))
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())

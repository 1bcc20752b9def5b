#!/usr/bin/env python3
"""Checks that every binding reaches every function of trunkline.h, but for those that bindings/unbound.txt lists with a reason
(`LANGUAGE FUNCTION reason`). A binding whose folder is not there is left out, and said to be. Prints how many functions each
reaches."""
import argparse
import os
import re
import sys

import header_model
from report import Report

HEADER = "capi/include/trunkline.h"
EXCEPTIONS = "bindings/unbound.txt"
C_COMMENTS = re.compile(r'("(?:\\.|[^"\\\n])*")|/\*.*?\*/|//[^\n]*', re.S)
WORD = re.compile(r"\btr_\w+\b")


def sources(root, folder, suffixes, but=()):
    """The code of a folder without its comments and texts."""
    for base, _, names in os.walk(os.path.join(root, folder)):
        for name in sorted(names):
            if name.endswith(suffixes) and not name.endswith(but):
                with open(os.path.join(base, name), encoding="utf-8") as file:
                    yield C_COMMENTS.sub(lambda match: '""' if match.group(1) else " ", file.read())


def words(root, folder, suffixes, but=()):
    return {word for code in sources(root, folder, suffixes, but) for word in WORD.findall(code)}


def python(root, functions):
    """What SWIG wraps, which is all that it is not told to leave out, and what the hand-written part calls."""
    ignored = {name for code in sources(root, "bindings/swig", (".i",)) for name in
               re.findall(r"^%ignore\s+(tr_\w+)\s*;", code, re.M)}
    return (functions - ignored) | words(root, "bindings/python/native", (".c", ".h"))


def go(root, functions):
    del functions
    called = {name for code in sources(root, "bindings/go", (".go",), ("_test.go",)) for name in
              re.findall(r"\bC\.(tr_\w+)", code)}
    return called | words(root, "bindings/go", (".c", ".h"))


def rust(root, functions):
    """What the crate of declarations declares, with typed arguments or none, and the safe crate uses."""
    del functions
    declared = {name for code in sources(root, "bindings/rust/trunkline-sys/src", (".rs",)) for name in
                re.findall(r"\b(tr_\w+)\s*\(\s*(?:\w+\s*:|\))", code)}
    return declared & words(root, "bindings/rust/trunkline/src", (".rs",))


BINDINGS = {"python": ("bindings/python", python), "go": ("bindings/go", go), "rust": ("bindings/rust", rust)}


def exceptions(root):
    """{language: {function: reason}}"""
    found = {}
    path = os.path.join(root, EXCEPTIONS)
    for line in open(path, encoding="utf-8") if os.path.exists(path) else ():
        language, function, reason = (line.split("#")[0].split(None, 2) + ["", "", ""])[:3]
        if language:
            found.setdefault(language, {})[function] = reason.strip()
    return found


def problems_of(reached, functions, excused):
    """What one binding lacks, and what is wrong with its excuses."""
    for name in sorted(functions - reached - set(excused)):
        yield f"{name} is not reached"
    for name, reason in sorted(excused.items()):
        if name not in functions:
            yield f"{EXCEPTIONS}: {name} is no function of the header"
        elif name in reached:
            yield f"{EXCEPTIONS}: {name} is reached"
        elif not reason:
            yield f"{EXCEPTIONS}: {name} has no reason"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=".")
    root = parser.parse_args().root
    functions = {each.name for each in header_model.parse(os.path.join(root, HEADER)).functions}
    excuses = exceptions(root)
    report = Report("bindings")
    report.check("the header has functions", [] if functions else ["none was found"])
    report.check("excuses are of bindings there are", [f"{EXCEPTIONS}: {name}" for name in set(excuses) - set(BINDINGS)])
    counts = [f"functions {len(functions)}"]
    for language, (folder, reach) in BINDINGS.items():
        if not os.path.isdir(os.path.join(root, folder)):
            print(f"there is no {folder}: {language} is left out")
            continue
        reached = reach(root, functions) & functions
        counts.append(f"{language} {len(reached)}")
        report.check(f"{language} reaches all functions", problems_of(reached, functions, excuses.get(language, {})))
    print(" ".join(counts))
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())

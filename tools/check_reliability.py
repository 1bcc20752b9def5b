#!/usr/bin/env python3
"""Holds docs/reliability.md against the tests: every row of the fault table has a promise, tests and an outcome, and
every test it names is there; rows that are about the host's runtime have a test of each language.
usage: check_reliability.py [BUILD_FOLDER]

Names are those of ctest (* stands for anything), `rust.FILE.NAME` for a test of bindings/rust, `go.NAME` for one of
bindings/go, `python.FILE.NAME` for one of tests/python, or `step NAME` for a step of tools/phases.py."""
import fnmatch
import glob
import os
import re
import subprocess
import sys

import phases
from report import Report

DOCUMENT = "docs/reliability.md"
ROWS = range(1, 73)
# What a host's own runtime has a part in: each language has a test of it.
IN_EVERY_LANGUAGE = (24, 26, *range(30, 37))
OUTCOMES = re.compile(r"^(holds|holds in part: \S.*)$")
ROW = re.compile(r"^\|\s*(\d+)\s*\|(.*)\|\s*$")


def rows_of(text):
    """{number: (fault, promise, tests, outcome)}, and what is wrong with the table."""
    rows, problems = {}, []
    for line in text.splitlines():
        match = ROW.match(line)
        if not match:
            continue
        number, cells = int(match.group(1)), [cell.strip() for cell in match.group(2).split("|")]
        if len(cells) != 4:
            problems.append(f"row {number} has {len(cells) + 1} cells, not 5")
        elif number in rows:
            problems.append(f"row {number} is there twice")
        else:
            rows[number] = cells
    problems += [f"row {number} is missing" for number in ROWS if number not in rows]
    return rows, problems


# Of each language: where its tests are, what its tool takes for one, and what the table calls that. Python's are without the
# word test in front.
LANGUAGES = (
    ("bindings/rust/*/tests/*.rs", r"^#\[test\]\nfn (\w+)\(", "rust.{file}.{name}"),
    ("bindings/go/**/*_test.go", r"^func (Test\w+)\(t \*testing\.T\)", "go.{name}"),
    ("tests/python/test_*.py", r"^ *(?:async )?def test_(\w+)\(", "python.{file}.{name}"),
)


def tests_of_languages():
    names = []
    for pattern, test, form in LANGUAGES:
        for path in sorted(glob.glob(pattern, recursive=True)):
            file = os.path.splitext(os.path.basename(path))[0].removeprefix("test_")
            with open(path, encoding="utf-8") as source:
                names += [form.format(file=file, name=name) for name in re.findall(test, source.read(), re.M)]
    return names


def known_tests(build):
    listing = subprocess.run(["ctest", "--test-dir", build, "-N"], capture_output=True, text=True)
    names = re.findall(r"^\s*Test\s+#\d+: (\S+)", listing.stdout, re.M)
    steps = [f"step {step.name}" for steps in phases.phases().values() for step in steps]
    return names + tests_of_languages() + steps


def tests_of(cell):
    return re.findall(r"`([^`]+)`", cell)


def languages_without(number, tests):
    if number not in IN_EVERY_LANGUAGE:
        return []
    return [language for language in ("go", "python", "rust")
            if not any(name.startswith((f"{language}.", f"step {language}-")) for name in tests_of(tests))]


def problems_of(rows, known):
    problems = []
    for number, (fault, promise, tests, outcome) in rows.items():
        if not fault or not promise:
            problems.append(f"row {number} does not say what is promised")
        if not tests_of(tests):
            problems.append(f"row {number} has no test")
        problems += [f"row {number}: there is no test {name}" for name in tests_of(tests)
                     if not any(fnmatch.fnmatchcase(each, name) for each in known)]
        problems += [f"row {number} has no test of {language}" for language in languages_without(number, tests)]
        if not OUTCOMES.match(outcome):
            problems.append(f"row {number}: '{outcome}' is no outcome")
    return problems


def control(rows, known):
    """The check sees a row without a test, and a test that is not there."""
    first = rows[ROWS[0]]
    without = problems_of({1: (first[0], first[1], "", first[3])}, known)
    invented = problems_of({1: (first[0], first[1], "`faults.NoSuch.test`", first[3])}, known)
    in_one = problems_of({24: (first[0], first[1], "`go.Test`", first[3])}, ["go.Test"])
    _, missing = rows_of("")
    seen = len(without) == 1 and len(invented) == 1 and len(in_one) == 2 and len(missing) == len(ROWS)
    return [] if seen else ["a table with errors passes"]


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    build = sys.argv[1] if len(sys.argv) > 1 else "build"
    with open(DOCUMENT, encoding="utf-8") as file:
        rows, problems = rows_of(file.read())
    known = known_tests(build)
    report = Report("reliability")
    report.check("every row is there, once", problems)
    report.check("there are tests to look for", [] if len(known) > 100 else [f"only {len(known)} in {build}"])
    if not problems:
        report.check("each has a promise, tests that exist, and an outcome", problems_of(rows, known))
        report.check("the check sees what is wrong", control(rows, known))
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())

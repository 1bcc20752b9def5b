#!/usr/bin/env python3
"""Adds up what the steps of one or more phases left in build-results/PHASE/STEP/: JUnit files (*.xml) of ctest and
GoogleTest, or lines `ok NAME`, `FAILED NAME`, `skipped NAME` in `log` of steps whose `kind` says lines. A step that
ended badly without a failed test, or that should have tested and did not, counts as a failure of its own.

--ci also holds the count against tests/floor.txt and ends with the one line `N passed, N failed, N skipped`."""
import argparse
import fnmatch
import os
import re
import sys
import xml.etree.ElementTree as ElementTree

RESULTS = "build-results"
LINE = re.compile(r"^(ok|FAILED|skipped) (\S.*)$")
ORDER = {"ok": "passed", "FAILED": "failed", "skipped": "skipped"}
# How ctest words the two ways in which a test skips itself; any other test that was not run is a failure.
SKIPPED = re.compile(r"SKIP_(RETURN_CODE|REGULAR_EXPRESSION)")


def read(path, default=""):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return default


def junit_results(path):
    """(result, name, detail) of each test case in a JUnit file."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        return [("failed", os.path.basename(path), f"cannot be read: {error}")]
    results = []
    for case in root.iter("testcase"):
        output = case.findtext("system-out") or ""
        name = case.get("name") or "?"
        if case.get("classname") and case.get("classname") != name:
            name = f"{case.get('classname')}.{name}"
        skipped = case.find("skipped")
        skip_reason = "" if skipped is None else skipped.get("message") or ""
        failures = [f.get("message") or "" for f in case.findall("failure") + case.findall("error")]
        if failures or case.get("status") == "fail":
            results.append(("failed", name, "\n".join(failures) + "\n" + output))
        elif skipped is not None and case.get("status") == "notrun" and not SKIPPED.search(skip_reason):
            results.append(("failed", name, f"not run: {skip_reason}"))
        elif skipped is not None or case.get("status") in ("notrun", "disabled") or case.get("result") == "skipped":
            results.append(("skipped", name, output))
        else:
            results.append(("passed", name, ""))
    return results


def line_results(text):
    results, detail = [], []
    for line in text.splitlines():
        if match := LINE.match(line):
            detail = []
            results.append((ORDER[match.group(1)], match.group(2), detail))
        elif results:
            detail.append(line)
    return [(result, name, "\n".join(lines)) for result, name, lines in results]


def step_results(folder):
    kind, code, log = (read(os.path.join(folder, name)).strip() for name in ("kind", "exit", "log"))
    results = []
    if kind == "lines":
        results = line_results(log)
    elif kind == "ctest":
        for name in sorted(os.listdir(folder)):
            if name.endswith(".xml"):
                results += junit_results(os.path.join(folder, name))
    tail = "\n".join(log.splitlines()[-60:])
    failed = any(result == "failed" for result, _, _ in results)
    if not code:
        results.append(("failed", "the step did not finish", tail))
    elif code != "0" and not failed:
        results.append(("failed", f"the step ended with {code}", tail))
    elif code == "0" and kind in ("lines", "ctest") and not results:
        results.append(("failed", "the step tested nothing", tail))
    return results


def collect(phases):
    results = []
    for phase in phases:
        base = os.path.join(RESULTS, phase)
        for step in sorted(os.listdir(base)) if os.path.isdir(base) else []:
            results += [(result, f"{step}/{name}", detail) for result, name, detail in
                        step_results(os.path.join(base, step))]
    return results


def allowed_skips():
    lines = read("tests/allowed_skips.txt").splitlines()
    return [line.split("#")[0].strip() for line in lines if line.split("#")[0].strip()]


def complaints(results, status, floor, in_ci):
    """What is wrong beyond failed tests. CI has all that the tests need, so that there a skip must be a known one."""
    problems = []
    patterns = allowed_skips()
    for result, name, _ in results:
        if in_ci and result == "skipped" and not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            problems.append(f"{name} was skipped and is not in tests/allowed_skips.txt")
    passed = sum(result == "passed" for result, _, _ in results)
    if passed < floor:
        problems.append(f"{passed} passed, fewer than the {floor} of tests/floor.txt: tests have gone missing")
    if status and not any(result == "failed" for result, _, _ in results):
        problems.append(f"a command ended with {status}")
    return problems


def print_failures(results):
    for result, name, detail in results:
        if result == "failed":
            print(f"--- {name}")
            print("\n".join("    " + line for line in detail.strip().splitlines()[-60:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("phases", nargs="+")
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--status", type=int, default=0, help="how the commands before ended")
    options = parser.parse_args()
    results = collect(options.phases)
    floor = int(read("tests/floor.txt", "1").split()[0]) if options.ci else 1
    problems = complaints(results, options.status, floor, options.ci)
    print_failures(results)
    for problem in problems:
        print(f"--- {problem}")
    counts = {kind: sum(result == kind for result, _, _ in results) for kind in ("passed", "failed", "skipped")}
    if options.ci:
        # Complaints are failures too, so that nobody who reads only the line is misled.
        print(f"{counts['passed']} passed, {counts['failed'] + len(problems)} failed, {counts['skipped']} skipped")
    else:
        print(f"{' and '.join(options.phases)}: " + ", ".join(f"{kind} {n}" for kind, n in counts.items()))
    return 1 if counts["failed"] or problems else 0


if __name__ == "__main__":
    sys.exit(main())

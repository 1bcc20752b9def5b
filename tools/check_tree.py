#!/usr/bin/env python3
"""Checks the files of the repository as files: length, forbidden words, line ends, executable bits, size."""
import argparse
import os
import re
import subprocess
import sys

from report import Report

MAX_LINES = 560  # about 500
EXEMPT_LINES = {"capi/include/trunkline.h": 1200, "tests/abi/0.1/trunkline.h": 1200}
MAX_BYTES = 1 << 20
CODE = re.compile(r"(\.(c|cc|cpp|h|hpp|py|sh|cmake|go|rs|js|ts|java)|CMakeLists\.txt|Makefile)$")
TEXT_EXEMPT = re.compile(r"^tests/fuzz/corpus/|(^LICENSE$|\.(png|svg|db|bin|xml)$)")
# The words are taken apart here so that this file passes its own check.
WORDS = [
    (re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b"), "unfinished business"),
    (re.compile(r"(?<![\w.])/(wo" r"rk|ro" r"ot|ho" r"me)/"), "a path of one machine"),
    (re.compile(r"^(<{7}|>{7}|={7})( |$)"), "a merge conflict"),
]


def repository_files(root):
    """What git tracks or would add; every file where there is no git."""
    try:
        listing = subprocess.run(["git", "-C", root, "ls-files", "-coz", "--exclude-standard"], check=True,
                                 capture_output=True).stdout
        names = sorted(set(os.fsdecode(listing).split("\0")) - {""})
    except (OSError, subprocess.CalledProcessError):
        names = sorted(os.path.relpath(os.path.join(base, name), root) for base, _, files in os.walk(root)
                       for name in files if f"{os.sep}.git" not in base)
    return [name for name in names if os.path.isfile(os.path.join(root, name))]


def read(root, name):
    with open(os.path.join(root, name), "rb") as file:
        return file.read()


def check_text(name, data, problems):
    if TEXT_EXEMPT.search(name) or b"\0" in data[:8192]:
        return
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        problems["ends"].append(f"{name} is not UTF-8")
        return
    if text and not text.endswith("\n"):
        problems["ends"].append(f"{name} does not end with a newline")
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        for pattern, what in WORDS:
            if found := pattern.search(line):
                problems["words"].append(f"{name}:{number}: {found.group(0).strip()}: {what}")
        if line != line.rstrip() and not name.endswith(".md"):
            problems["ends"].append(f"{name}:{number}: blanks at the end of the line")
    limit = EXEMPT_LINES.get(name, MAX_LINES)
    if CODE.search(name) and len(lines) - 1 > limit:
        problems["length"].append(f"{name} has {len(lines) - 1} lines, more than {limit}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=".")
    root = parser.parse_args().root
    problems = {"length": [], "words": [], "ends": [], "bits": [], "size": []}
    names = repository_files(root)
    for name in names:
        data = read(root, name)
        check_text(name, data, problems)
        executable = os.access(os.path.join(root, name), os.X_OK) and os.stat(os.path.join(root, name)).st_mode & 0o111
        if bool(executable) != data.startswith(b"#!"):
            problems["bits"].append(f"{name} is {'' if executable else 'not '}executable")
        if len(data) > MAX_BYTES:
            problems["size"].append(f"{name} has {len(data)} bytes")
    report = Report("tree")
    report.check("there are files", [] if names else ["none was found"])
    report.check(f"code files have at most {MAX_LINES} lines", problems["length"])
    report.check("no forbidden words", problems["words"])
    report.check("lines and files end as they should", problems["ends"])
    report.check("what begins with #! is executable, and nothing else", problems["bits"])
    report.check("no large files", problems["size"])
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())

"""What the planner knows of Python: to read which assertion failed, to find functions, and small changes to them."""

from __future__ import annotations

import re
from typing import NamedTuple


class Failure(NamedTuple):
    test: str = ""
    line: str = ""  # of the test, where it failed
    complaint: str = ""


class Function(NamedTuple):
    file: str
    name: str
    text: str


class Change(NamedTuple):
    what: str
    text: str  # of the whole function, changed


RULES = {
    "boundary": [(" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > ")],
    "index": [("range(1, ", "range("), ("range(", "range(1, "), (" - 1)", ")"), (")):", ") + 1):"), ("[0]", "[-1]"),
              ("[-1]", "[0]"), ("[1:]", "")],
    "arithmetic": [(" + ", " - "), (" - ", " + "), (" * ", " // "), (" // ", " * "), ("+=", "-="), ("-=", "+=")],
    "logic": [(" == ", " != "), (" != ", " == "), (" and ", " or "), (" or ", " and "), ("min(", "max("),
              ("max(", "min("), ("True", "False"), ("False", "True"), (" < ", " > "), (" > ", " < ")],
}


def read_failure(output: str) -> Failure | None:
    """The first failure that unittest prints."""
    test = line = previous = ""
    traceback = False
    for each in output.split("\n"):
        if each.startswith(("FAIL: ", "ERROR: ")):
            test = each.split(": ", 1)[1].split(" ", 1)[0]
        elif each.startswith("Traceback "):
            traceback = True
        elif traceback and previous.startswith("  File ") and not line:
            line = each.strip(" \t")  # the outermost frame is the test
        elif traceback and each and not each.startswith(" "):
            return Failure(test, line, each) if line else None
        previous = each
    return None


def find_function(source: str, name: str) -> str | None:
    """From its `def` at the margin to the next line at the margin."""
    found, blank, inside = "", "", False
    for line in source.splitlines():
        if inside and line and line[0] not in " \t":
            break
        inside = inside or line.startswith(f"def {name}(")
        if not inside:
            continue
        if not line.strip(" \t"):
            blank += "\n"
            continue
        found += blank + line + "\n"
        blank = ""
    return found if inside else None


def called_functions(code: str, sources: dict[str, str]) -> list[Function]:
    """The functions of the sources that the code calls, in its order."""
    functions: list[Function] = []
    for name in dict.fromkeys(re.findall(r"(\w+)\(", code, re.ASCII)):
        for file, source in sorted(sources.items()):
            text = find_function(source, name)
            if text is not None:
                functions.append(Function(file, name, text))
    return functions


def likeliest(complaint: str) -> list[str]:
    """A negative number where none is due points to a sign; a number or text that is off to a boundary or an index; a
    truth value to logic."""
    if "-" in complaint:
        return ["arithmetic", "index", "boundary", "logic"]
    if "True" in complaint or "False" in complaint:
        return ["logic", "boundary", "index", "arithmetic"]
    return ["boundary", "index", "arithmetic", "logic"]


def candidate_changes(function: Function, complaint: str) -> list[Change]:
    """Small changes to one line each, the likeliest first."""
    changes = []
    lines = function.text.splitlines()
    for sort in likeliest(complaint):
        for i in range(1, len(lines)):
            for old, new in RULES[sort]:
                at = lines[i].find(old)
                while at >= 0:
                    line = lines[i][:at] + new + lines[i][at + len(old):]
                    changed = "".join(each + "\n" for each in [*lines[:i], line, *lines[i + 1:]])
                    what = "`" + lines[i].strip(" \t") + "` to `" + line.strip(" \t") + "`"
                    changes.append(Change(what, changed))
                    at = lines[i].find(old, at + 1)
    return changes

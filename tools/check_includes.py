#!/usr/bin/env python3
"""Checks which folder includes which, that there are no cycles, and how headers open. The rule is the table below."""
import argparse
import os
import re
import sys

from report import Report

# Folder -> the folders it may include besides itself. Everything may include model and os, and the public header.
ALLOWED = {
    "model": set(),
    "os": set(),
    "record": set(),
    "log": set(),
    "encode": set(),
    "net": set(),
    "store": {"encode"},
    "pipeline": {"record", "log", "encode"},
    "processors": {"encode", "net", "store"},
    "capi": {"pipeline", "record", "log", "processors"},
    "cli": {"store", "pipeline", "processors", "encode", "log"},
}
EVERYWHERE = {"model", "os"}
OUTSIDE = {"examples": "a program of a host", "tests/capi": "a program of a host"}
PUBLIC = {"trunkline.h", "trunkline.hpp"}
# Streams register constructors at load; the JSON library belongs into few .cpp files, not into every compilation.
BANNED_ANYWHERE = {"iostream", "format", "ranges"}
BANNED_IN_HEADERS = re.compile(r"^nlohmann/json\.hpp")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
SUFFIXES = (".hpp", ".h", ".cpp", ".c")


def source_files(root, folder):
    for base, folders, files in os.walk(os.path.join(root, folder)):
        folders.sort()
        for name in sorted(files):
            if name.endswith(SUFFIXES):
                yield os.path.relpath(os.path.join(base, name), root)


def folder_of(path):
    """The name in ALLOWED that a file of the project belongs to."""
    parts = path.split(os.sep)
    return parts[1] if parts[0] == "core" and len(parts) > 2 else parts[0]


def processor_of(path):
    """Of core/processors/NAME/..., NAME."""
    parts = path.split(os.sep)
    return parts[2] if parts[:2] == ["core", "processors"] and len(parts) > 3 else None


def is_header(path):
    return path.endswith((".hpp", ".h"))


class Tree:
    def __init__(self, root):
        self.root = root
        self.files = [f for folder in ("core", "capi", "cli") for f in source_files(root, folder)]
        self.includes = {f: INCLUDE.findall(self.read(f)) for f in self.files}

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def resolve(self, path, name):
        """The file of the project that an include in quotes means; None when it is none."""
        for base in ("core", "capi/include", "cli"):
            if os.path.isfile(os.path.join(self.root, base, name)):
                return os.path.normpath(os.path.join(base, name))
        beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
        if not beside.startswith("core" + os.sep) and os.path.isfile(os.path.join(self.root, beside)):
            return beside
        return None

    def edges(self):
        for path in self.files:
            for quote, name in self.includes[path]:
                if quote == '"':
                    yield path, name, self.resolve(path, name)


def rooted(tree):
    return [f'{path}: "{name}" is no file rooted at core/, capi/include/ or cli/' for path, name, target in tree.edges()
            if target is None]


def direction(tree):
    problems = []
    for path, name, target in tree.edges():
        if target is None or os.path.basename(target) in PUBLIC:
            continue
        here, there = folder_of(path), folder_of(target)
        if here not in ALLOWED:
            problems.append(f"{path}: the folder {here} is not in the table of tools/check_includes.py")
        elif there != here and there not in ALLOWED[here] | EVERYWHERE:
            problems.append(f'{path}: {here} must not include "{name}"')
        elif {here, there} == {"processors"} and processor_of(target) not in (None, processor_of(path)):
            problems.append(f'{path}: one processor must not include another: "{name}"')
    return sorted(set(problems))


def find_cycle(graph):
    state, trail = {}, []

    def visit(node):
        state[node] = 1
        trail.append(node)
        for following in sorted(graph.get(node, ())):
            if state.get(following) == 1:
                return trail[trail.index(following):] + [following]
            if following not in state and (found := visit(following)):
                return found
        trail.pop()
        state[node] = 2
        return None

    for node in sorted(graph):
        if node not in state and (found := visit(node)):
            return [" -> ".join(found)]
    return []


def cycles(tree):
    files, folders = {}, {}
    for path, _, target in tree.edges():
        if target is not None:
            files.setdefault(path, set()).add(target)
            if os.path.basename(target) not in PUBLIC and folder_of(path) != folder_of(target):
                folders.setdefault(folder_of(path), set()).add(folder_of(target))
    return find_cycle(files) + find_cycle(folders)


def openings(tree):
    problems = []
    for path in filter(is_header, tree.files):
        text = tree.read(path)
        if not text.startswith(("// ", "/* ")):
            problems.append(f"{path} does not open with a comment on its purpose")
        if os.path.basename(path) not in PUBLIC and not re.search(r"^#pragma once$", text, re.M):
            problems.append(f"{path} has no #pragma once")
    return problems


def banned(tree):
    problems = []
    for path in tree.files:
        for _, name in tree.includes[path]:
            if name in BANNED_ANYWHERE and not path.startswith("cli" + os.sep):
                problems.append(f"{path}: <{name}> is not used here")
            if is_header(path) and BANNED_IN_HEADERS.match(name):
                problems.append(f"{path}: a header must not include {name}")
    return problems


def hosts(tree):
    problems = []
    for folder, what in OUTSIDE.items():
        for path in source_files(tree.root, folder):
            for quote, name in INCLUDE.findall(tree.read(path)):
                inside = os.path.isfile(os.path.join(tree.root, "core", name))
                if quote == '"' and inside and name not in PUBLIC:
                    problems.append(f'{path} is {what} and must not include "{name}"')
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=".")
    tree = Tree(parser.parse_args().root)
    report = Report("includes")
    report.check("rooted at core/, capi/include/ or cli/", rooted(tree))
    report.check("folders include only what they may", direction(tree))
    report.check("no cycles", cycles(tree))
    report.check("headers open with their purpose", openings(tree))
    report.check("no header that is not wanted", banned(tree))
    report.check("hosts use the public header only", hosts(tree))
    return report.exit_code()


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Runs clang-tidy over the product code, one check a file. A file that passed is not looked at again until what the
preprocessor makes of it, its flags or the configuration change; what passed is kept in $TRUNKLINE_CACHE/tidy."""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time

TIDY = "clang-tidy-14"
KEEP_DAYS = 30


def cache_folder():
    base = os.environ.get("TRUNKLINE_CACHE") or os.path.join(os.path.expanduser("~"), ".cache", "trunkline")
    folder = os.path.join(base, "tidy")
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if time.time() - os.path.getmtime(path) > KEEP_DAYS * 86400:
            os.unlink(path)
    return folder


def arguments(entry):
    """The compiler's arguments without what concerns outputs and the compiler cache."""
    words = shlex.split(entry["command"]) if "command" in entry else list(entry["arguments"])
    while words and os.path.basename(words[0]) == "ccache":
        words.pop(0)
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MT"):
            skip = True
        elif word not in ("-c", "-MD", "-MMD"):
            kept.append(word)
    return kept


class Tidy:
    def __init__(self, build, root, config):
        self.build, self.root, self.config = build, os.path.abspath(root), os.path.abspath(config)
        self.cache = cache_folder()
        version = subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True).stdout
        with open(self.config, encoding="utf-8") as file:
            self.common = version + file.read()

    def key(self, entry):
        words = arguments(entry)
        expanded = subprocess.run([*words, "-E", "-CC"], cwd=entry["directory"], capture_output=True, text=True)
        if expanded.returncode:
            return None
        content = "\0".join([self.common, *words, expanded.stdout]).replace(self.root + "/", "")
        return hashlib.sha256(content.encode()).hexdigest()

    def run(self, entry):
        """(file, problems, whether it was known)"""
        key = self.key(entry)
        mark = os.path.join(self.cache, key) if key else None
        if mark and os.path.exists(mark):
            os.utime(mark)
            return entry["file"], [], True
        result = subprocess.run([TIDY, "--quiet", "-p", self.build, f"--config-file={self.config}",
                                 "--warnings-as-errors=*", entry["file"]], capture_output=True, text=True)
        lines = [line.replace(self.root + "/", "") for line in result.stdout.splitlines()
                 if re.search(r"(warning|error): ", line)]
        if result.returncode and not lines:
            lines = result.stderr.strip().splitlines()[-5:] or ["clang-tidy failed"]
        if not lines and mark:
            with open(mark, "w", encoding="utf-8"):
                pass
        return entry["file"], lines, False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build-clang")
    parser.add_argument("--root", default=".")
    parser.add_argument("--config", default=".clang-tidy")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("files", nargs="*", help="only these; all of core, capi and cli if none is given")
    options = parser.parse_args()
    with open(os.path.join(options.build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    folders = tuple(os.path.join(os.path.abspath(options.root), name, "") for name in ("core", "capi", "cli"))
    chosen = {os.path.abspath(name) for name in options.files}
    entries = {e["file"]: e for e in entries if e["file"].startswith(folders) and (not chosen or e["file"] in chosen)}
    if not entries:
        print("FAILED tidy: there are no files")
        return 1
    tidy = Tidy(options.build, options.root, options.config)
    failed = known = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for path, problems, cached in pool.map(tidy.run, [entries[name] for name in sorted(entries)]):
            print(f"{'FAILED' if problems else 'ok'} tidy: {os.path.relpath(path, options.root)}", flush=True)
            print("".join(f"    {problem}\n" for problem in problems[:30]), end="")
            failed += bool(problems)
            known += cached
    print(f"{len(entries)} files, {known} of them unchanged since they passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Builds and runs the Go that the documents show, built by the commands that docs/go.md shows: a block with a main is a
program, others are parts of one. usage: documents.py FOLDER_OF_THE_PACKAGE"""
import os
import re
import subprocess
import sys
import tempfile

PAGES = ("README.md", "docs/go.md")
PART = """package main

import (
	"context"

	trunkline "trunkline.dev/go"
)

var _ context.Context
var _ = trunkline.Version

func main() {}

"""


def blocks(page):
    with open(page, encoding="utf-8") as file:
        return re.findall(r"```go\n(.*?)```", file.read(), re.S)


def commands():
    """Those that build, of the first block of the shell."""
    with open("docs/go.md", encoding="utf-8") as file:
        found = re.search(r"```sh\n(.*?)```", file.read(), re.S).group(1).splitlines()
    if "go build" not in found:
        sys.exit("docs/go.md does not say how to build")
    return found[:found.index("go build") + 1]


def main():
    package = os.path.abspath(sys.argv[1])
    shown = [command.replace("../trunkline/bindings/go", package) for command in commands()]
    for page in PAGES:
        found = blocks(page)
        if not found or "func main()" not in found[0]:
            sys.exit(f"{page} begins with no program in Go")
        for number, block in enumerate(found):
            with tempfile.TemporaryDirectory(prefix="documents-") as folder:
                is_program = "func main()" in block
                with open(os.path.join(folder, "main.go"), "w", encoding="utf-8") as file:
                    file.write(block if is_program else PART + block)
                for command in shown:
                    subprocess.run(command, shell=True, cwd=folder, check=True)
                environment = {name: value for name, value in os.environ.items() if name != "TRUNKLINE_DIR"}
                subprocess.run(["./example"], cwd=folder, env=environment, check=True, timeout=60)
                if is_program and not os.path.exists(os.path.join(folder, ".trunkline", "traces.db")):
                    sys.exit(f"block {number} of {page} left no trace")


if __name__ == "__main__":
    main()

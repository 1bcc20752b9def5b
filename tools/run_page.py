#!/usr/bin/env python3
"""Does what a page tells its reader: run_page.py PAGE FOLDER. A block after a line "`NAME`:" becomes the file NAME of
FOLDER, blocks of `sh` run there one after the other in one shell, until one fails. Blocks of other languages without a name
are left out."""
import os
import re
import subprocess
import sys

BLOCK = re.compile(r"(?:^`([^`\n]+)`:\n\n)?^```(\w*)\n(.*?)^```$", re.M | re.S)


def follow(page, folder):
    with open(page, encoding="utf-8") as file:
        blocks = BLOCK.findall(file.read())
    commands = []
    for name, language, text in blocks:
        if name:
            path = os.path.join(folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            commands.append(f"cat >'{path}' <<'END OF THE FILE'\n{text}END OF THE FILE\n")
        elif language == "sh":
            commands.append(text)
    if not any(language == "sh" for _, language, _ in blocks):
        sys.exit(f"{page} has no commands")
    return subprocess.run(["bash", "-euxo", "pipefail", "-c", "".join(commands)], cwd=folder, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(follow(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])))

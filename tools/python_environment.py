#!/usr/bin/env python3
"""A virtual environment for a list of requirements: python_environment.py REQUIREMENTS prints its folder. It lies in
$TRUNKLINE_CACHE under a key of the list and the interpreter, so it is made once."""
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.environ.get("TRUNKLINE_CACHE") or os.path.join(os.environ.get("HOME", ROOT), ".cache", "trunkline")


def run(*command, **variables):
    """Shows what it does only when it fails."""
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ, **variables), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode:
        sys.stderr.buffer.write(done.stdout)
        sys.exit(f"failed: {' '.join(command)}")


def finished(folder):
    return os.path.exists(os.path.join(folder, ".finished"))


def finish(folder):
    with open(os.path.join(folder, ".finished"), "w", encoding="utf-8"):
        pass


def environment(requirements):
    requirements = os.path.join(ROOT, requirements)
    with open(requirements, "rb") as file:
        key = hashlib.sha256(repr((sys.version, sysconfig.get_platform(), sys.executable)).encode() + file.read())
    folder = os.path.join(CACHE, "python", "venv-" + key.hexdigest()[:16])
    if not finished(folder):  # scripts name their folder: it is made in place
        shutil.rmtree(folder, ignore_errors=True)
        run(sys.executable, "-m", "venv", folder)
        run(os.path.join(folder, "bin", "pip"), "install", "-q", "--disable-pip-version-check", "-r", requirements)
        finish(folder)
    return folder


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(environment(sys.argv[1]))


if __name__ == "__main__":
    main()

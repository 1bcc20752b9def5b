#!/usr/bin/env python3
"""Builds the Python package for tests. What is installed from elsewhere lies in $TRUNKLINE_CACHE, keyed by content.

  python_package.py venv       makes the virtual environment of tests/python/requirements.txt, prints its folder
  python_package.py site       builds the wheel around build/lib/libtrunkline.so, unpacks it, prints the folder
  python_package.py wheel OUT  builds the wheel with a library of its own, as `pip install .` does, into OUT
"""
import glob
import hashlib
import os
import shutil
import sys
import sysconfig

from python_environment import ROOT, environment, finish, finished, run

LIBRARY = os.path.join(ROOT, "build", "lib", "libtrunkline.so.0")
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "CMakeLists.txt", "cmake/*.cmake", "capi/include/*.h",
           "bindings/swig/*.i", "bindings/python/native/*", "bindings/python/trunkline/*")


def digest(names, *more):
    total = hashlib.sha256(repr((sys.version, sysconfig.get_platform(), *more)).encode())
    for name in sorted(names):
        if os.path.isfile(name) and not name.endswith(".pyc"):
            with open(name, "rb") as file:
                total.update(name.encode() + b"\0" + hashlib.sha256(file.read()).digest())
    return total.hexdigest()[:16]


def venv():
    return environment(os.path.join("tests", "python", "requirements.txt"))


def build_wheel(out, *settings):
    programs = os.path.join(venv(), "bin")
    run(os.path.join(programs, "pip"), "wheel", "-q", "--disable-pip-version-check", ".", "--no-deps",
        "--no-build-isolation", "-w", out, *settings, PATH=programs + os.pathsep + os.environ["PATH"])
    wheels = glob.glob(os.path.join(out, "*.whl"))
    if len(wheels) != 1:
        sys.exit(f"{len(wheels)} wheels in {out}")
    return wheels[0]


def site():
    os.chdir(ROOT)
    if not os.path.exists(LIBRARY):
        sys.exit("build/lib/libtrunkline.so.0 is not there: run make build")
    key = digest([name for pattern in SOURCES for name in glob.glob(pattern)] + [os.path.relpath(LIBRARY)])
    base = os.path.join(ROOT, "build", "python")
    folder = os.path.join(base, "site-" + key)
    if not finished(folder):
        shutil.rmtree(base, ignore_errors=True)
        wheel = build_wheel(os.path.join(base, "wheel"), "-C", f"cmake.define.TRUNKLINE_PREBUILT={LIBRARY}",
                            "-C", "cmake.define.TRUNKLINE_WERROR=ON", "-C", f"build-dir={base}/build")
        run(os.path.join(venv(), "bin", "pip"), "install", "-q", "--disable-pip-version-check", "--no-deps",
            "--target", folder, wheel)
        finish(folder)
    return folder


def main():
    if sys.argv[1:] == ["venv"]:
        print(venv())
    elif sys.argv[1:] == ["site"]:
        print(site())
    elif len(sys.argv) == 3 and sys.argv[1] == "wheel":
        # With the compiler and the warnings of the release, what that has compiled is not compiled again.
        os.environ.update(CC="gcc", CXX="g++")
        print(build_wheel(sys.argv[2], "-C", "cmake.define.TRUNKLINE_WERROR=ON"))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()

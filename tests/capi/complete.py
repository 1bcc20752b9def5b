#!/usr/bin/env python3
"""Every function of the C API is called by a program of this folder: complete.py SYMBOLS SOURCE..."""
import re
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        functions = set(re.findall(r"\btr_\w+", file.read()))
    called = set()
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            called |= set(re.findall(r"\b(tr_\w+)\(", file.read()))
    missing = sorted(functions - called)
    for name in missing:
        print(f"no program of tests/capi calls {name}")
    print(f"{len(functions) - len(missing)} of {len(functions)} functions are called")
    return 1 if missing or not functions else 0


if __name__ == "__main__":
    sys.exit(main())

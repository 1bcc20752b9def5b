#!/usr/bin/env python3
"""A client that was compiled for a newer header, with the library of now: newer_client.py LIBRARY HEADER. What the
library knows works, what it does not is refused with TR_EUNSUPPORTED, a function it lacks is said when loading."""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def grown(header):
    """The header with one more member in every struct that carries its size, and one more function."""
    def grow(match):
        return match.group(0)[:-1] + "  uint64_t added_later;\n}" if "struct_size;" in match.group(0) else match.group(0)
    text, count = re.subn(r"typedef struct \w+ \{.*?\n\}", grow, header, flags=re.S)
    if text.count("added_later;") < 10:
        sys.exit(f"newer_client.py: of {count} structs only {text.count('added_later;')} could grow")
    return text.replace("/** The version of the loaded", "TR_API int tr_added_later(void);\n\n/** The version of the loaded", 1)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def run(program, mode, folder, **environment):
    result = subprocess.run([program, mode, folder], capture_output=True, text=True, timeout=120,
                            env=dict(os.environ, **environment))
    return result.returncode, result.stderr


def main():
    library, header = os.path.abspath(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        with open(header, encoding="utf-8") as file:
            newer = grown(file.read())
        write(os.path.join(folder, "trunkline.h"), newer)
        # The newer library, as far as the linker looks at it.
        names = re.findall(r"^TR_API [^;(]*?(tr_\w+)\(", newer, re.M)
        write(os.path.join(folder, "newer.c"), "".join(f"void {name}(void) {{}}\n" for name in names))
        stub = os.path.join(folder, "libnewer.so")
        subprocess.run(["cc", "-shared", "-Wl,-soname,libtrunkline.so.0", os.path.join(folder, "newer.c"), "-o", stub],
                       check=True)
        program = os.path.join(folder, "client")
        subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", f"-I{folder}",
                        os.path.join(HERE, "newer", "client.c"), "-o", program, stub, "-Wl,-z,lazy",
                        f"-Wl,-rpath,{os.path.dirname(library)}"], check=True)
        problems = []
        for mode in ("zero", "used"):
            code, errors = run(program, mode, folder)
            if code != 0:
                problems.append(f"{mode}: ended with {code}: {errors}")
        # At load when all is bound at once, as is usual for hardened programs; else with the call itself.
        for binding in ({"LD_BIND_NOW": "1"}, {}):
            code, errors = run(program, "call", folder, **binding)
            if code != 127 or "tr_added_later" not in errors:
                problems.append(f"call {binding}: ended with {code}: {errors}")
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Builds the Rust that the documents show: each block a program or a part of one, and runs those that are programs.
usage: documents.py FOLDER_OF_THE_CRATES"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

PAGES = ("README.md", "docs/rust.md")
MANIFEST = """[package]
name = "documents"
version = "0.1.0"
edition = "2021"
[dependencies]
trunkline = {{ path = "{crates}/trunkline", features = ["tracing"] }}
tracing = {{ version = "0.1", default-features = false, features = ["std", "attributes"] }}
tracing-subscriber = {{ version = "0.3", default-features = false, features = ["registry", "std"] }}
[lints.rust]
warnings = "deny"
dead_code = "allow"
[workspace]
"""


def blocks(page):
    with open(page, encoding="utf-8") as file:
        return re.findall(r"```rust\n(.*?)```", file.read(), re.S)


def cargo(folder, *arguments):
    return subprocess.run(["cargo", *arguments], cwd=folder, check=True)


def run(program, folder):
    """A program of a page leaves a trace in its folder."""
    environment = {name: value for name, value in os.environ.items() if name != "TRUNKLINE_DIR"}
    subprocess.run([program], cwd=folder, env=environment, check=True, timeout=60)
    if not os.path.exists(os.path.join(folder, ".trunkline", "traces.db")):
        sys.exit(f"{program} left no trace")
    shutil.rmtree(os.path.join(folder, ".trunkline"))


def main():
    crates = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="documents-") as folder:
        programs = []
        os.makedirs(os.path.join(folder, "src", "bin"))
        for page in PAGES:
            found = blocks(page)
            if not found or "fn main()" not in found[0]:
                sys.exit(f"{page} begins with no program in Rust")
            for number, block in enumerate(found):
                name = f"{os.path.basename(page)[:-3].lower()}_{number}"
                is_program = "fn main()" in block
                with open(os.path.join(folder, "src", "bin", name + ".rs"), "w", encoding="utf-8") as file:
                    file.write(block if is_program else block + "\nfn main() {}\n")
                programs += [name] if is_program else []
        with open(os.path.join(folder, "Cargo.toml"), "w", encoding="utf-8") as file:
            file.write(MANIFEST.format(crates=crates))
        shutil.copy(os.path.join(crates, "Cargo.lock"), folder)
        cargo(folder, "build", "-q", "--offline")
        target = os.environ.get("CARGO_TARGET_DIR") or os.path.join(folder, "target")
        for name in programs:
            run(os.path.join(target, "debug", name), folder)


if __name__ == "__main__":
    main()

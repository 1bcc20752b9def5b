#!/usr/bin/env python3
"""The example agent in each language it is written in: those that lie in examples/ are built where that is needed and told,
one a line: the language, the folder and the command, with tabs between them. What Go and Rust fetch and build lies in
$TRUNKLINE_CACHE and build/agents."""
import glob
import hashlib
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field

from python_environment import CACHE, ROOT

PREFIX = os.path.join(ROOT, "build", "agents", "prefix")


@dataclass
class Agent:
    language: str
    command: list
    variables: dict = field(default_factory=dict)
    folder: str = ""

    def shell(self):
        """The command as one types it."""
        return shlex.join(["env", *(f"{name}={value}" for name, value in self.variables.items()), *self.command]
                          if self.variables else self.command)


def said(command, folder=ROOT, **variables):
    """What a command prints; what it complains of is shown when it fails."""
    done = subprocess.run(command, cwd=folder, env=dict(os.environ, **variables), capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise RuntimeError(f"failed: {shlex.join(command)}")
    return done.stdout.strip()


def installed():
    """The library as other languages' builds look for it: installed, and found by pkg-config."""
    said(["cmake", "--install", os.path.join(ROOT, "build"), "--prefix", PREFIX])
    return os.path.dirname(glob.glob(os.path.join(PREFIX, "lib*", "**", "pkgconfig", "trunkline.pc"), recursive=True)[0])


def in_cpp(folder):
    del folder
    return Agent("C++", [os.path.join(ROOT, "build", "bin", "coding_agent")])


def in_python(folder):
    site = said([sys.executable, os.path.join(ROOT, "tools", "python_package.py"), "site"])
    return Agent("Python", ["python3", os.path.join(folder, "main.py")], {"PYTHONPATH": site})


def in_go(folder):
    program = os.path.join(ROOT, "build", "agents", "go_agent")
    cache = os.path.join(CACHE, "go")
    pkg_config = installed()
    said(["go", "build", "-o", program, "."], folder, PKG_CONFIG_PATH=pkg_config, CGO_ENABLED="1",
         GOCACHE=os.path.join(cache, "build"), GOMODCACHE=os.path.join(cache, "modules"), GOFLAGS="", GOWORK="off")
    return Agent("Go", [program], {"LD_LIBRARY_PATH": os.path.dirname(pkg_config)})


def rustup_home():
    """rustup's programs look for the compiler in HOME, which may be another than the one they were installed in."""
    if "RUSTUP_HOME" in os.environ or subprocess.run(["rustc", "-vV"], capture_output=True).returncode == 0:
        return {}
    cargo = os.path.realpath(said(["sh", "-c", "command -v cargo"]))
    beside = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(cargo))), ".rustup")
    return {"RUSTUP_HOME": beside} if os.path.isdir(beside) else {}


def in_rust(folder):
    home = rustup_home()
    with open(os.path.join(folder, "Cargo.lock"), "rb") as lock:
        # The folder is in it because cargo would give one clone what was built of another whose files are younger.
        key = hashlib.sha256(said(["rustc", "-vV"], **home).encode() + lock.read() + folder.encode()).hexdigest()[:16]
    target = os.path.join(CACHE, "rust", f"agent-{key}")
    pkg_config = installed()
    said(["cargo", "build", "--locked"], folder, PKG_CONFIG_PATH=pkg_config, CARGO_TARGET_DIR=target,
         CARGO_HOME=os.path.join(CACHE, "rust", "home"), **home)
    return Agent("Rust", [os.path.join(target, "debug", "coding_agent")],
                 {"LD_LIBRARY_PATH": os.path.dirname(pkg_config)})


# Where the agent lies, and how to come by the program. The first is what the others are held against.
LANGUAGES = (("examples/coding_agent", in_cpp), ("examples/python/coding_agent", in_python),
             ("examples/go/coding_agent", in_go), ("examples/rust/coding_agent", in_rust))


def agents():
    """Those that are in the tree. An error: one is there and cannot be built."""
    found = []
    for folder, make in LANGUAGES:
        if not os.path.isdir(os.path.join(ROOT, folder)):
            continue
        agent = make(os.path.join(ROOT, folder))
        agent.folder = folder
        if not os.path.exists(agent.command[-1]):
            raise RuntimeError(f"the agent in {agent.language} is not built: {agent.command[-1]} is not there")
        found.append(agent)
    return found


def main():
    try:
        for agent in agents():
            print(agent.language, agent.folder, agent.shell(), sep="\t")
    except (RuntimeError, OSError, IndexError) as error:
        sys.exit(f"coding_agents.py: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

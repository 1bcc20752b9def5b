"""Who is measured, and how each is built. A peer's sources lie in bench/peers/; what they need is fetched by the
package manager of their language, at the versions that are pinned there, once."""
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from kit import cache

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
PEERS = BENCH / "peers"
BUILT = ROOT / "build" / "bench"

ALL = ("W1", "W1x4", "W3", "W4")


@dataclass
class Program:
    command: list
    environment: dict = field(default_factory=dict)


@dataclass
class Peer:
    name: str
    build: object  # () -> Program
    workloads: tuple = ALL
    native: bool = False  # callgrind says something about it
    label: str = ""  # what its own line of JSON does not say
    binding: bool = False  # ours in another language: it has the workloads of kit/bindings.py as well
    packs: bool = False  # and `packed` among them


def run(command, folder, **environment):
    done = subprocess.run(command, cwd=folder, env=dict(os.environ, **environment), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout[-1500:]}")
    return done.stdout


def ours():
    return Program([str(BUILT / "ours")], {"TRUNKLINE_LIB": str(ROOT / "build" / "lib" / "libtrunkline.so")})


def floor():
    return Program([str(BUILT / "floor")], {"FLOOR_LIB": str(BUILT / "libfloor.so")})


def ours_in_rust():
    """Built from the crates as they are, here: cargo would give one clone what was built of another."""
    target = BUILT / "rust"
    run(["cargo", "build", "--release", "-q"], PEERS / "rust", CARGO_TARGET_DIR=str(target))
    shutil.copy(target / "release" / "trunkline-rust-bench", BUILT / "ours_rust")
    return Program([str(BUILT / "ours_rust")], {"TRUNKLINE_LIBRARY": str(ROOT / "build" / "lib" / "libtrunkline.so")})


def rust(name):
    def build():
        source = PEERS / name
        files = [source / "Cargo.toml", source / "src" / "main.rs", PEERS / "harness.rs"]

        def make(folder):
            shutil.copytree(source, folder / "source" / name)
            shutil.copy(PEERS / "harness.rs", folder / "source")
            run(["cargo", "build", "--release", "-q"], folder / "source" / name, CARGO_TARGET_DIR=str(folder / "target"))
            crate = name.replace("_", "-") + "-bench"
            shutil.copy(folder / "target" / "release" / crate, folder / "program")
            shutil.rmtree(folder / "target")

        version = run(["rustc", "--version"], BENCH)
        return Program([str(cache.made_once(name, files, make, version) / "program")])

    return build


def jemalloc():
    """otel-rust frees on one thread what another has allocated, which glibc's malloc is slow at."""
    for folder in ("x86_64-linux-gnu", "aarch64-linux-gnu"):
        library = Path("/usr/lib") / folder / "libjemalloc.so.2"
        if library.exists():
            program = rust("otel_rust")()
            return Program(program.command, {"LD_PRELOAD": str(library)})
    raise RuntimeError("libjemalloc2 is not installed")


def go_source(name, folder):
    shutil.copytree(PEERS / name, folder / "source")
    shutil.copy(PEERS / "harness.go", folder / "source")
    return folder / "source"


def go():
    def make(folder):
        source = go_source("otel_go", folder)
        run(["go", "mod", "tidy"], source)
        run(["go", "build", "-o", str(folder / "program"), "."], source)

    files = [PEERS / "otel_go" / "go.mod", PEERS / "otel_go" / "main.go", PEERS / "harness.go"]
    version = run(["go", "version"], BENCH)
    return Program([str(cache.made_once("otel_go", files, make, version) / "program")])


def ours_in_go():
    """With the library in build/, for which a description is made that pkg-config finds. Go keeps what it has built."""
    folder, library, header = BUILT / "go", ROOT / "build" / "lib", ROOT / "capi" / "include"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = go_source("trunkline_go", folder)
    (folder / "trunkline.pc").write_text(f"Name: trunkline\nDescription: in build/\nVersion: 0\n"
                                         f"Libs: -L{library} -ltrunkline\nCflags: -I{header}\n")
    run(["go", "mod", "edit", "-replace", f"trunkline.dev/go={ROOT / 'bindings' / 'go'}"], source)
    key = cache.key_of([header / "trunkline.h"])
    run(["go", "build", "-o", str(folder / "program"), "."], source, PKG_CONFIG_PATH=str(folder),
        GOCACHE=str(cache.root().parent / "go" / "build"), CGO_CFLAGS=f"-O2 -g -DTRUNKLINE_KEY=0x{key}")
    return Program([str(folder / "program")], {"LD_LIBRARY_PATH": str(library)})


def javascript():
    source = PEERS / "otel_js"

    def make(folder):
        for name in ("package.json", "bench.mjs"):
            shutil.copy(source / name, folder)
        run(["npm", "install", "--no-audit", "--no-fund", "--silent"], folder)

    folder = cache.made_once("otel_js", [source / "package.json", source / "bench.mjs"], make)
    return Program(["node", str(folder / "bench.mjs")])


def python(name):
    def build():
        source = PEERS / name
        requirements = source / "requirements.txt"

        def make(folder):
            target = ["--quiet", "--target", str(folder / "packages")]
            run([sys.executable, "-m", "pip", "install", *target, "-r", str(requirements)], folder)

        folder = cache.made_once(name, [requirements], make, sys.version)
        return Program([sys.executable, str(source / "bench.py")], {"PYTHONPATH": str(folder / "packages")})

    return build


TABLE = (
    Peer("trunkline", ours, native=True),
    Peer("trunkline-rust", ours_in_rust, native=True, binding=True),
    Peer("trunkline-go", ours_in_go, binding=True, packs=True),
    Peer("floor", floor, native=True),
    Peer("fastrace", rust("fastrace"), native=True),
    Peer("otel-rust", rust("otel_rust"), native=True),
    Peer("otel-rust-jemalloc", jemalloc, label="with jemalloc"),
    Peer("otel-go", go),
    Peer("otel-js", javascript, workloads=("W1", "W3", "W4")),
    Peer("otel-python", python("otel_python")),
    Peer("openai-agents", python("openai_agents")),
)


def build(names):
    """Programs by peer, and what could not be built, with the reason."""
    programs, missing = {}, {}
    for peer in TABLE:
        if peer.name not in names:
            continue
        try:
            programs[peer.name] = peer.build()
        except (OSError, RuntimeError) as error:
            missing[peer.name] = str(error)
    return programs, missing


def by_name(name):
    return next(peer for peer in TABLE if peer.name == name)

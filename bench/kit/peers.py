"""Who is measured, and how each is built. A peer's sources lie in bench/peers/; what they need is fetched by the
package manager of their language, at the versions that are pinned there, once."""
import os
import shutil
import subprocess
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


TABLE = (
    Peer("trunkline", ours, native=True),
    Peer("floor", floor, native=True),
    Peer("fastrace", rust("fastrace"), native=True),
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

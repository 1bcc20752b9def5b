"""Folders that are made once for the content they are made from, under $TRUNKLINE_CACHE."""
import hashlib
import os
import shutil
import tempfile
from pathlib import Path


def root():
    chosen = os.environ.get("TRUNKLINE_CACHE") or Path.home() / ".cache" / "trunkline"
    return Path(chosen) / "bench"


def key_of(files, extra=""):
    digest = hashlib.sha256(extra.encode())
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def made_once(name, files, make, extra=""):
    """The folder that `make(folder)` filled; it is seen whole or not at all."""
    folder = root() / f"{name}-{key_of(files, extra)}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=folder.parent))
    try:
        make(making)
        making.rename(folder)
    except OSError:
        if not folder.is_dir():  # else somebody else was faster
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return folder

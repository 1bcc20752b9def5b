"""What the documents show runs, and what is installed for SWIG is read by it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import LIMIT, ROOT, run_child

SWIG = Path(sys.prefix) / "bin" / "swig"


@pytest.mark.parametrize("name", ["README.md", "docs/python.md"])
def test_examples_in_documents(tmp_path, name):
    """The blocks of one page, one after the other, in one program."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.S)
    assert blocks and "trunkline.init()" in blocks[0]
    run_child("\n".join(blocks) + "\nassert trunkline.stats()['spans_ended'] >= 2 and not trunkline.stats()['misuse']",
              TRUNKLINE_DIR=str(tmp_path))
    assert (tmp_path / "traces.db").exists()


def test_the_example_of_the_module(tmp_path):
    import trunkline

    run_child(trunkline.__doc__.split("\n\n", 1)[1].replace("\n    ", "\n").lstrip(), TRUNKLINE_DIR=str(tmp_path))


@pytest.mark.parametrize("language", ["python", "java", "go", "csharp"])
def test_the_interface_for_swig(tmp_path, language):
    """Every language reads it, without a complaint of an error."""
    command = [SWIG, f"-{language}", "-I" + str(ROOT / "capi" / "include"), "-outdir", tmp_path, "-o",
               tmp_path / "wrap.c", ROOT / "bindings" / "swig" / "trunkline.i"]
    command[2:2] = ["-intgosize", "64"] if language == "go" else []
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    assert "tr_span_start" in (tmp_path / "wrap.c").read_text()

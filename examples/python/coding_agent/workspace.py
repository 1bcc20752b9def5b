"""The folder the agent works in: a small Python program with tests, one of which fails. No path leads out of it."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from pathlib import Path

MAX_FILE = 64 * 1024
MAX_OUTPUT = 32 * 1024
TIMEOUT = 20.0

MONEY = '''\
# Amounts of money as text and as whole cents.


def to_cents(text):
    whole, _, fraction = text.partition(".")
    return int(whole) * 100 + int((fraction + "00")[:2])


def to_text(cents):
    return "%d.%02d" % (cents // 100, cents % 100)
'''

SHOP = '''\
from money import to_cents, to_text


def total(amounts):
    cents = 0
    for i in range(len(amounts)):
        cents += to_cents(amounts[i])
    return to_text(cents)


def discount_percent(quantity):
    if quantity >= 100:
        return 20
    if quantity >= 10:
        return 5
    return 0


def cheapest(prices):
    best = None
    for name in sorted(prices):
        if best is None or to_cents(prices[name]) < to_cents(prices[best]):
            best = name
    return best
'''

TESTS = '''\
import unittest

from shop import cheapest, discount_percent, total


class ShopTest(unittest.TestCase):
    def test_total(self):
        self.assertEqual(total([]), "0.00")
        self.assertEqual(total(["1.50", "2.25", "3"]), "6.75")

    def test_discount(self):
        self.assertEqual(discount_percent(9), 0)
        self.assertEqual(discount_percent(10), 5)
        self.assertEqual(discount_percent(100), 20)

    def test_cheapest(self):
        self.assertEqual(cheapest({"tea": "2.90", "milk": "2.35"}), "milk")
        self.assertEqual(cheapest({"nuts": "1.10", "oil": "1.99"}), "nuts")


if __name__ == "__main__":
    unittest.main()
'''

BUGS = [("range(len(amounts))", "range(1, len(amounts))"), ("quantity >= 10:", "quantity > 10:"),
        ("* 100 + int", "* 100 - int")]


class WorkspaceError(Exception):
    """A tool was asked for what it does not do."""


class Workspace:
    def __init__(self, folder: str, bug: int) -> None:
        """Makes the folder, which must not exist or be empty; an empty name gives one for temporary files."""
        if folder:
            os.makedirs(folder, exist_ok=True)
            if os.listdir(folder):
                raise WorkspaceError(f"{folder} is not an empty folder")
        self.folder = Path(folder or tempfile.mkdtemp(prefix="coding_agent-")).resolve(strict=True)
        right, wrong = BUGS[bug - 1]
        (self.folder / "money.py").write_text(MONEY.replace(right, wrong))
        (self.folder / "shop.py").write_text(SHOP.replace(right, wrong))
        (self.folder / "test_shop.py").write_text(TESTS)

    def files(self) -> list[str]:
        return sorted(each.name for each in self.folder.iterdir() if each.is_file())

    def _resolve(self, name: str) -> Path:
        """An existing regular file that lies in the folder, symbolic links resolved."""
        try:
            path = (self.folder / name).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            raise WorkspaceError(f"there is no file {name}") from None
        if not path.is_relative_to(self.folder) or path == self.folder:
            raise WorkspaceError(f"{name} is not in the folder")
        if not path.is_file() or path.stat().st_size > MAX_FILE:
            raise WorkspaceError(f"{name} is not a file of at most 64 KiB")
        return path

    def read(self, name: str) -> str:
        return self._resolve(name).read_text(errors="replace")

    def edit(self, name: str, old: str, new: str) -> str:
        """Replaces a text that occurs exactly once. The tests cannot be edited."""
        path = self._resolve(name)
        if path.name.startswith("test"):
            raise WorkspaceError(f"{name} is a test and stays as it is")
        text = path.read_text(errors="replace")
        if not old or old not in text:
            raise WorkspaceError(f"the old text does not occur in {name}")
        if text.count(old) > 1:
            raise WorkspaceError("the old text occurs more than once")
        changed = text.replace(old, new)
        if len(changed.encode()) > MAX_FILE:
            raise WorkspaceError("the file would be too large")
        path.write_text(changed)
        return f"changed {name}"

    def run_tests(self) -> tuple[bool, str]:
        """Whether they pass, and the exit code and what they print."""
        # Nothing of our own environment: the program under test has no business with our keys.
        environment = {"PATH": os.environ.get("PATH", "/usr/local/bin:/usr/bin:/bin"), "HOME": str(self.folder),
                       "PYTHONIOENCODING": "utf-8"}
        child = subprocess.Popen(["python3", "-B", "-m", "unittest"], cwd=self.folder, env=environment,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 start_new_session=True)
        try:
            output = child.communicate(timeout=TIMEOUT)[0]
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)  # with whatever it started
            child.communicate()
            return False, f"exit code 137\n\nstopped after {int(TIMEOUT * 1000)} ms"
        return child.returncode == 0, f"exit code {child.returncode}\n" + output[:MAX_OUTPUT].decode(errors="replace")

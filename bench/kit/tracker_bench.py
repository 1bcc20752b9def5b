"""The command line of a benchmark of a processor for a tracker: measures it beside the tracker's own SDK and writes its
page."""
import argparse
import os
import subprocess
import tempfile
from dataclasses import dataclass
from types import ModuleType

from kit import machine, peers, tracker_runs


@dataclass
class Tracker:
    page_name: str  # in docs/
    requirements: str
    versions_of: str  # what the line of versions is called
    version: str  # Python that prints the version of the SDK
    runs: ModuleType
    page: ModuleType


def parse(tracker, about):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", help=f"where to write the page; default: docs/{tracker.page_name} for five repetitions or "
                                      "more, else nowhere")
    options = parser.parse_args()
    if options.repetitions < 1:
        parser.error("nothing to do")
    if not options.out and options.repetitions >= 5:
        options.out = str(peers.ROOT / "docs" / tracker.page_name)
    return options


def versions(tracker, interpreter):
    said = f"import platform; {tracker.version}; print(platform.python_version())"
    sdk, python = subprocess.run([interpreter, "-c", said], cwd=os.sep, stdout=subprocess.PIPE, text=True,
                                 check=True).stdout.split()
    library = subprocess.run([peers.ROOT / "build" / "bin" / "trunkline", "--version"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.split()[1]
    return {tracker.versions_of: f"{sdk} in Python {python}", "libtrunkline": library}


def main(tracker, about):
    options = parse(tracker, about)
    interpreter = tracker_runs.python(tracker.requirements)
    scratch_root = peers.BUILT / "scratch"
    scratch_root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch_root) as scratch:
        outcomes, failures = tracker.runs.measure(interpreter, options.repetitions, scratch)
    absent = {f"{writer} {mode}": reason for (writer, mode), reason in failures.items()}
    text = tracker.page.whole(outcomes, absent, machine.describe(peers.ROOT), versions(tracker, interpreter))
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            file.write(text)
    print(text)
    return 1 if absent else 0

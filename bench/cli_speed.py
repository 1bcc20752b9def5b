#!/usr/bin/env python3
"""Measures the commands of the program on a large store: bench/cli_speed.py [--spans N] [--bin FOLDER] [--rounds N]

The store is made by make_store and kept in $TRUNKLINE_CACHE under a name made of what it depends on. Prints a line a
command: the least time of several rounds, on the clock and of the processor. The first round warms the cache of the disk
and is not counted."""
import argparse
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def store_folder(make_store, spans):
    digest = hashlib.sha256(str(spans).encode())
    for name in ("bench/core/make_store.cpp", "core/store/schema.cpp", "core/store/search_index.cpp"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    cache = os.environ.get("TRUNKLINE_CACHE", os.path.expanduser("~/.cache/trunkline"))
    folder = os.path.join(cache, "stores", digest.hexdigest()[:16])
    if not os.path.isdir(folder):
        making = folder + ".making"
        shutil.rmtree(making, ignore_errors=True)
        os.makedirs(making, 0o700)
        subprocess.run([make_store, os.path.join(making, "traces.db"), str(spans)], check=True)
        os.rename(making, folder)
    return folder


def commands(trunkline, folder):
    def ids(*words):
        return subprocess.run([trunkline, "ls", "-q", "--dir", folder, *words], check=True, capture_output=True,
                              text=True).stdout.split()

    longest, newest, before = ids("-n1", "--sort", "spans")[0], *ids("-n2")
    return [
        ["ls"], ["ls", "-n0"], ["ls", "--name", "zzz"], ["ls", "--sort", "tokens"], ["ls", "--kind", "critic"],
        ["ls", "--min-duration", "1h"], ["ls", "--text", "needle"], ["ls", "--text", "ta", "--sort", "longest"],
        ["show", newest], ["show", newest, "--messages"], ["show", longest], ["show", longest, "--span", "0123"],
        ["diff", newest, before], ["tail"], ["tail", "--kind", "critic"], ["tail", "--name", "zzz"],
        ["tail", "--status", "error"], ["grep", "needle"], ["grep", "ta"], ["grep", "nowhere"],
        ["grep", "ta", "--kind", "critic"], ["grep", "ta", "--until", "2000-01-01"],
        ["query", "SELECT kind_name, count(*) FROM spans WHERE trace_id = '" + longest + "' GROUP BY 1"],
        ["query", "SELECT kind, status, count(*) FROM spans GROUP BY 1, 2"],
        ["export", "-n", "100"], ["rm", "--keep", "1000", "--dry-run"], ["rm", newest, "--dry-run"], ["recover"], ["stats"],
        ["doctor"], ["completion", "bash"], ["man"], ["help"]]


def measure(trunkline, folder, words, rounds):
    least = (float("inf"), float("inf"))
    for i in range(rounds + 1):
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([trunkline, *words, "--dir", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        taken, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        if i > 0:
            least = (min(least[0], taken), min(least[1], used))
    return least


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    trunkline = os.path.join(options.bin, "bin", "trunkline")
    folder = store_folder(os.path.join(options.bin, "bench", "make_store"), options.spans)
    for words in commands(trunkline, folder):
        clock, processor = measure(trunkline, folder, words, options.rounds)
        print(f"{clock * 1000:7.0f} ms {processor * 1000:7.0f} ms   {' '.join(words)[:90]}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

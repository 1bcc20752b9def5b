#!/usr/bin/env python3
"""Runs the fuzzers over their corpora: fuzz.py [--runs N | --seconds N] [--build FOLDER] [NAME...]

A fuzzer NAME is BUILD/bin/NAME_fuzz, its corpus tests/fuzz/corpus/NAME. Inputs that fail are left in fuzz-failures/.
`--grow` keeps what it finds of worth in the corpus, as few and as small files as reach what was reached."""
import argparse
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

CORPUS = "tests/fuzz/corpus"
FAILURES = "fuzz-failures"
LEAST_FILES = 20
MOST_BYTES = 4096


def fuzzers(build):
    return sorted(os.path.basename(path)[:-len("_fuzz")] for path in glob.glob(os.path.join(build, "bin", "*_fuzz")))


class Fuzzer:
    def __init__(self, name, options):
        self.name, self.options = name, options
        self.program = os.path.join(options.build, "bin", f"{name}_fuzz")
        self.corpus = os.path.join(CORPUS, name)

    def call(self, *arguments):
        environment = dict(os.environ, ASAN_OPTIONS="detect_stack_use_after_return=1:allocator_may_return_null=1")
        return subprocess.run([self.program, *arguments], capture_output=True, text=True, errors="replace",
                              env=environment)

    def run(self):
        """(passed, what to say)"""
        files = len(os.listdir(self.corpus)) if os.path.isdir(self.corpus) else 0
        if files < LEAST_FILES and not self.options.grow:
            return False, f"the corpus has {files} files, fewer than {LEAST_FILES}"
        os.makedirs(self.corpus, exist_ok=True)
        # A count of inputs draws the same ones each time, so that a check says the same twice; a time draws new ones.
        limit = ([f"-max_total_time={self.options.seconds}"] if self.options.seconds else
                 [f"-runs={self.options.runs}", "-seed=1"])
        with tempfile.TemporaryDirectory() as found:
            result = self.call(*limit, f"-max_len={MOST_BYTES}", "-timeout=60", "-print_final_stats=1",
                               f"-artifact_prefix={FAILURES}/{self.name}-", found, self.corpus)
            executed = re.search(r"number_of_executed_units: (\d+)", result.stderr)
            runs = int(executed.group(1)) if executed else 0
            if result.returncode:
                return False, result.stderr[-4000:]
            if not self.options.seconds and runs < self.options.runs:
                return False, f"only {runs} inputs were tried"
            if self.options.grow:
                self.keep(found)
        return True, f"{runs} inputs, {files} of them given"

    def keep(self, found):
        with tempfile.TemporaryDirectory() as merged:
            self.call("-merge=1", f"-max_len={MOST_BYTES}", merged, self.corpus, found)
            by_size = sorted(os.listdir(merged), key=lambda name: os.path.getsize(os.path.join(merged, name)))
            step = max(1, -(-len(by_size) // self.options.most))  # small and large ones alike
            shutil.rmtree(self.corpus)
            os.makedirs(self.corpus)
            for name in by_size[::step]:
                shutil.copy(os.path.join(merged, name), self.corpus)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--build", default="build-asan-ubsan")
    parser.add_argument("--grow", action="store_true")
    parser.add_argument("--most", type=int, default=60, help="files that --grow keeps")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    names = options.names or fuzzers(options.build)
    os.makedirs(FAILURES, exist_ok=True)
    failed = not names
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, (passed, words) in zip(names, pool.map(lambda n: Fuzzer(n, options).run(), names)):
            print(f"{'ok' if passed else 'FAILED'} fuzz: {name}\n    {words}", flush=True)
            failed |= not passed
    if not os.listdir(FAILURES):
        os.rmdir(FAILURES)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

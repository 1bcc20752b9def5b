#!/usr/bin/env python3
"""Runs the steps of `make test` or `make check`: each with its log, time limit and result in build-results/. A failed
step does not stop the others, except those that need it. Ends with a summary; non-zero when anything failed."""
import glob
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

RESULTS = "build-results"
JOBS = str(os.cpu_count() or 2)


@dataclass
class Step:
    name: str
    kind: str  # build: counts only when it fails; lines and ctest: how its results are read
    command: str
    needs: tuple = ()
    minutes: int = 10


def preset_build(preset, minutes=30):
    # -k 0: everything that does not compile is in the log, not only what was first.
    command = f"cmake --preset {preset} && cmake --build --preset {preset} -j{JOBS} -- -k 0"
    return Step(f"build-{preset}", "build", command, minutes=minutes)


def suite(name, folder, needs, prefix=""):
    # Some tests wait for threads with a deadline, which a machine that was busy elsewhere may miss: up to three tries.
    return Step(name, "ctest", f"{prefix} ctest --test-dir {folder} -j{JOBS} --no-tests=error --repeat until-pass:3"
                f" --output-on-failure --output-junit $RESULT/results.xml", (needs,), 20)


def end_to_end():
    """tests/e2e/*_test.py: programs with options of their own, or cases of unittest."""
    cli = "--trunkline build/bin/trunkline --lib build/lib --include capi/include"
    options = {name: cli for name in ("cli_test", "cli_commands_test", "cli_sync_test", "cli_table_test")}
    steps = []
    for path in sorted(glob.glob("tests/e2e/*_test.py")):
        name = os.path.splitext(os.path.basename(path))[0]
        command = f"{path} {options[name]}" if name in options else f"tools/run_unittest.py {path}"
        steps.append(Step(f"e2e-{name}", "lines", f"TRUNKLINE_TEST_BIN=$PWD/build/bin python3 {command}",
                          ("build-release",)))
    return steps


def peers():
    """tests/peers/*_test.py: cases of unittest against other projects' code, which requirements.txt lists name. Those of
    one step share a process, and with it a server that takes seconds to start."""
    mlflow = "mlflow_requirements.txt"
    steps = {"otlp_encode_test": ("otlp_requirements.txt", ("otlp_encode_test",)),
             "mlflow_file_store_test": (mlflow, ("mlflow_file_store_test",)),
             "mlflow_server_test": (mlflow, ("mlflow_server_test", "mlflow_comparison_test", "mlflow_sync_test")),
             "wandb_sdk_test": ("wandb_requirements.txt", ("wandb_sync_test", "wandb_online_test", "wandb_cli_test",
                                                             "wandb_artifacts_test"))}
    return [Step(f"peers-{name}", "lines",
                 f"TRUNKLINE_TEST_BIN=$PWD/build/bin $(tools/python_environment.py tests/peers/{requirements})/bin/python"
                 f" tools/run_unittest.py {' '.join(f'tests/peers/{file}.py' for file in files)}", ("build-release",), 20)
            for name, (requirements, files) in steps.items()]


def without_randomised_addresses():
    """ThreadSanitizer of clang 14 fails at random where the kernel spreads addresses widely."""
    usable = subprocess.run(["setarch", "-R", "true"], capture_output=True).returncode == 0
    return "setarch -R" if usable else ""


def phases():
    return {
        "test": [
            preset_build("release"),
            suite("suite", "build", "build-release"),
            *end_to_end(),
            *peers(),
            Step("python", "ctest", "tests/python/run.sh test --junit-xml=$RESULT/results.xml", ("build-release",), 20),
            Step("rust", "lines", "tests/rust/run.sh test", ("build-release",), 15),
            Step("go", "lines", "tests/go/run.sh test", ("build-release",), 15),
            Step("packaging-smoke", "lines", "tests/packaging/run.sh smoke", ("build-release",)),
        ],
        "check": [
            Step("selftest", "lines", "tools/selftest.sh"),
            Step("tree", "lines", "tools/check_tree.py"),
            Step("header", "lines", "tools/check_header.py"),
            Step("includes", "lines", "tools/check_includes.py"),
            Step("bindings", "lines", "tools/check_bindings.py"),
            Step("format", "lines", "tools/check_format.sh"),
            preset_build("release"),
            Step("symbols", "lines", "tools/check_symbols.sh", ("build-release",)),
            Step("reliability", "lines", "tools/check_reliability.py", ("build-release",)),
            Step("valgrind", "lines", "tools/run_valgrind.sh", ("build-release",), 20),
            Step("abi", "lines", "tools/abi_gate.py check", ("build-release",)),
            Step("packaging", "lines", "tests/packaging/run.sh full", ("build-release",)),
            Step("rust-packaging", "lines", "tests/rust/run.sh packaging", ("build-release",)),
            Step("configure-clang", "build", "cmake --preset clang"),
            Step("tidy", "lines", "tools/run_tidy.py", ("configure-clang",), 30),
            Step("python-types", "lines", "tests/python/run.sh types"),
            Step("go-race", "lines", "tests/go/run.sh race", ("build-release",), 15),
            Step("go-packaging", "lines", "tests/go/run.sh packaging", ("build-release",)),
            Step("python-wheel", "lines", "tests/python/run.sh wheel", minutes=20),
            preset_build("asan-ubsan"),
            suite("asan-ubsan", "build-asan-ubsan", "build-asan-ubsan"),
            Step("fuzz", "lines", "tools/fuzz.py", ("build-asan-ubsan",), 15),
            preset_build("tsan"),
            suite("tsan", "build-tsan", "build-tsan", without_randomised_addresses()),
        ],
    }


def environment(folder):
    values = dict(os.environ, RESULT=os.path.abspath(folder), CTEST_OUTPUT_ON_FAILURE="1", LC_ALL="C.UTF-8")
    values.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=1:strict_string_checks=1")
    values.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    values.setdefault("TSAN_OPTIONS", "die_after_fork=0:second_deadlock_stack=1")
    for name in [name for name in values if name.startswith("TRUNKLINE_") and name != "TRUNKLINE_CACHE"]:
        del values[name]
    return values


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


def run(step, folder):
    os.makedirs(folder)
    write(folder, "kind", step.kind)
    with open(os.path.join(folder, "log"), "wb") as log:
        process = subprocess.Popen(["bash", "-c", step.command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env=environment(folder), start_new_session=True)
        try:
            code = process.wait(step.minutes * 60)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            log.write(f"\nstopped after {step.minutes} minutes\n".encode())
            code = 124
    write(folder, "exit", str(code))
    return code


def main():
    chosen = phases().get(sys.argv[1] if len(sys.argv) == 2 else "")
    if chosen is None:
        sys.exit("usage: phases.py test|check")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    base = os.path.join(RESULTS, sys.argv[1])
    shutil.rmtree(base, ignore_errors=True)
    os.makedirs(base)
    failed = set()
    for step in chosen:
        folder = os.path.join(base, step.name)
        print(f"{step.name:24}", end="", flush=True)
        if failed & set(step.needs):
            os.makedirs(folder)
            write(folder, "exit", "1")
            write(folder, "log", f"not run: it needs {', '.join(failed & set(step.needs))}")
            code, took = 1, 0.0
        else:
            begin = time.monotonic()
            code, took = run(step, folder), time.monotonic() - begin
        if code:
            failed.add(step.name)
        print(f"{'FAILED, see ' + os.path.join(folder, 'log') if code else 'done'} ({took:.0f} s)", flush=True)
    summary = [sys.executable, "tools/test_summary.py", sys.argv[1]]
    if "TRUNKLINE_IN_CI" in os.environ:  # .ci/run adds everything up itself
        return 1 if failed else 0
    return subprocess.run(summary).returncode


if __name__ == "__main__":
    sys.exit(main())

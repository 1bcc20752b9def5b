#!/usr/bin/env python3
"""What dead processes left for servers, as the program tells it, gives it up and advises on it; and what it says of the
options of processors for servers.

    cli_sync_test.py --trunkline PATH --lib DIR --include DIR [--cc COMMAND] [NAME...]"""
import json
import os
import re
import sys
import time

from cli_support import equal, expect, place_with_store, run_checks

CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


NOBODY = "http://127.0.0.1:1"
WAITING_KEYS = "processor destination records runs oldest_ns expires_ns".split()


def leave_records(place, **environment):
    """A process that dies with records for a server that nobody reaches."""
    before = dict(place.environment)
    place.environment.update({"TRUNKLINE_PROCESSORS": "local,mlflow", "MLFLOW_TRACKING_URI": NOBODY, **environment})
    place.agent("kill")
    place.environment = before


@check
def sync_tells_what_waits_for_whom_and_gives_it_up():
    with place_with_store() as place:
        equal(place.json("sync", "--list"), [], "nothing waits")
        equal(place.good("sync", "--list"), "nothing waits\n", "in words")
        leave_records(place)
        leave_records(place)
        leave_records(place, MLFLOW_EXPERIMENT_NAME="other \x1b[31m")
        one, two = place.json("sync", "--list")
        equal(list(one), WAITING_KEYS, "members")
        equal([one["processor"], one["destination"], one["runs"]], ["mlflow", NOBODY + " Default", 2], "the first")
        equal([two["processor"], two["runs"], two["records"] * 2], ["mlflow", 1, one["records"]], "the second")
        expect(one["records"] >= 6, one)
        expect(one["expires_ns"] - one["oldest_ns"] == 7 * 24 * 3600 * 10**9, one)
        text = place.good("sync", "--list")
        expect(NOBODY + " Default" in text and "\x1b" not in text, text)
        doctor = [each for each in place.json("doctor")["checks"] if each["check"] in ("runs", "waiting")]
        equal([each["status"] for each in doctor], ["ok", "warning", "warning"], doctor)
        expect("sync --to mlflow" in doctor[1]["advice"] and "recover" not in json.dumps(doctor), doctor)

        refused = place.run("sync", "--discard", "mlflow")
        equal(refused.returncode, 2, "without --yes where nobody can be asked")
        equal(place.json("sync", "--list"), [one, two], "nothing is gone")
        for arguments in (["wandb"], ["mlflow", "--from", NOBODY], ["nonsense"]):
            refused = place.run("sync", "--discard", *arguments, "--yes")
            expect(refused.returncode == 1 and b"TR_ENOENT" in refused.stderr and b"--list" in refused.stderr, refused)
        equal(place.json("sync", "--discard", "mlflow", "--from", two["destination"], "-y"),
              {"discarded": two["records"]}, "of one destination")
        equal(place.json("sync", "--list"), [one], "the others are there")
        equal(place.good("sync", "--discard", "mlflow", "--yes"), f"discarded {one['records']} records\n", "the rest")
        equal(place.json("sync", "--list"), [], "nothing is left")
        equal(place.json("stats")["dead_runs"], 0, "the runs are gone")
        equal(place.json("stats")["traces"], 4, "the store has them all the same")


@check
def sync_says_what_cannot_be_though_nothing_waits():
    with place_with_store() as place:
        place.environment["MLFLOW_TRACKING_URI"] = NOBODY
        equal(place.good("sync", "--to", "mlflow"), f"nothing waits for mlflow at {NOBODY} Default\n", "nothing")
        equal(place.json("sync")["destination"], NOBODY + " Default", "where it would go")
        for options in ("{", "[]", '{"colour": "red"}'):
            refused = place.run("sync", "--options", options)
            expect(refused.returncode == 1 and b"TR_EINVAL" in refused.stderr, (options, refused.stderr))
        leave_records(place)
        refused = place.run("sync", "--from", NOBODY)  # without the experiment
        expect(refused.returncode == 1 and b"TR_ENOENT" in refused.stderr and b"--list" in refused.stderr, refused.stderr)
        equal(len(place.json("sync", "--list")), 1, "it waits on")


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def let_expire(place):
    """All runs are eight days old."""
    for run in os.listdir(os.path.join(place.directory, "run")):
        path = os.path.join(place.directory, "run", run, "owner")
        with open(path) as file:
            text = file.read()
        made = lambda match: f"created_unix_ns {int(match[1]) - 8 * 24 * 3600 * 10**9}"
        text = re.sub(r"created_unix_ns (\d+)", made, text[:text.rindex("crc32c ")])
        with open(path, "w") as file:
            file.write(f"{text}crc32c {crc32c(text.encode()):08x}\n")


@check
def who_asks_what_waits_removes_nothing():
    with place_with_store() as place:
        leave_records(place)
        leave_records(place, MLFLOW_EXPERIMENT_NAME="other")
        let_expire(place)
        for _ in range(2):
            one, two = place.json("sync", "--list")
        expect(one["expires_ns"] < time.time_ns(), one)
        expect(place.good("sync", "--list").count("expired") == 2, "it is said")
        equal(place.run("sync", "--discard", "mlflow").returncode, 2, "nobody can be asked")
        equal(place.json("sync", "--list"), [one, two], "nothing is gone")
        equal(place.json("sync", "--discard", "mlflow", "--from", two["destination"], "--yes"),
              {"discarded": two["records"]}, "one")
        equal(place.json("sync", "--list"), [one], "the other is there")
        place.run("recover")
        equal(place.json("sync", "--list"), [], "what is recovered expires, as ever")


@check
def doctor_looks_at_the_options_of_processors():
    with place_with_store() as place:
        def found(check, **environment):
            done = place.run("doctor", "--json", environment={"TRUNKLINE_PROCESSORS": "local,mlflow,wandb", **environment})
            report = json.loads(done.stdout)
            equal(done.stderr, b"", "nothing beside it")
            return next((each["status"], each["text"]) for each in report["checks"][2:] if each["check"] == check)

        before = sorted(os.listdir(place.path))
        equal(found("mlflow", MLFLOW_TRACKING_URI=NOBODY), ("ok", f"to {NOBODY} Default"), "a server")
        status, text = found("mlflow", MLFLOW_TRACKING_URI="http://ada:c4nary@mlflow.example")
        expect(status == "problem" and "https" in text and "c4nary" not in text, (status, text))
        equal(found("mlflow", MLFLOW_TRACKING_URI="http://[::1")[0], "problem", "no URL")
        status, text = found("mlflow", MLFLOW_TRACKING_URI="sqlite:///mlflow.db")
        expect(status == "problem" and "MLFLOW_TRACKING_URI" in text and "mlflow server" in text, (status, text))
        server = "https://mlflow.example"
        status, text = found("mlflow", MLFLOW_TRACKING_URI=server, MLFLOW_TRACKING_USERNAME="ada")
        expect(status == "warning" and "MLFLOW_TRACKING_PASSWORD" in text, (status, text))
        whole = {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "c4nary"}
        equal(found("mlflow", MLFLOW_TRACKING_URI=server, **whole)[0], "ok", "with a password")
        gone = os.path.join(place.path, "gone.pem")
        status, text = found("mlflow", MLFLOW_TRACKING_URI=server, MLFLOW_TRACKING_SERVER_CERT_PATH=gone)
        expect(status == "problem" and gone + ": No such file" in text, (status, text))
        key = "c4nary" * 8
        status, text = found("wandb", WANDB_API_KEY=key, REQUESTS_CA_BUNDLE=gone)
        expect(status == "problem" and gone + ": No such file" in text, (status, text))
        status, text = found("wandb", WANDB_API_KEY=key, WANDB_DIR="/proc/self/status")
        expect(status == "problem" and "/proc/self/status: Not a directory" in text, (status, text))
        equal(found("wandb", WANDB_API_KEY=key, WANDB_DIR=os.path.join(place.path, "to", "be", "made"))[0], "ok", "a new one")
        equal(found("wandb", WANDB_API_KEY=key), ("ok", "to https://api.wandb.ai /uncategorized"), "a key")
        for environment in ({"WANDB_BASE_URL": "http://wandb.example"}, {"WANDB_BASE_URL": "nothing"},
                            {"WANDB_MODE": "sometimes"}, {"WANDB_PROJECT": "a/b"}, {"WANDB_API_KEY": key + "\n"}):
            status, text = found("wandb", **{"WANDB_API_KEY": key, **environment})
            expect(status == "problem" and "c4nary" not in text, (environment, status, text))
            expect(list(environment)[0] in text or "plain http" in text, (environment, text))
        equal(found("wandb", WANDB_API_KEY="c4nary")[0], "warning", "a short key")
        equal(found("wandb")[0], "warning", "no key")
        equal(found("wandb", WANDB_MODE="offline")[0], "ok", "files that are meant")
        equal(found("wandb", WANDB_MODE="disabled"), ("ok", "disabled"), "none")
        equal(found("processors", TRUNKLINE_PROCESSORS="local,wand")[0], "problem", "no such processor")
        equal(sorted(os.listdir(place.path)), before, "something was written")


if __name__ == "__main__":
    sys.exit(run_checks(CHECKS, __doc__))

"""What the Python programs of the comparison share, as bench/harness.h does for C."""
import json
import os
import sys
import threading
import time

MODEL = "claude-sonnet-4x"
TEXT = ("the quick brown fox jumps over the lazy dog. " * 23)[:1024]
BURST = 8192  # spans per thread between two flushes
WORKLOAD = sys.argv[1] if len(sys.argv) > 1 else "W1"
THREADS = int(sys.argv[2]) if len(sys.argv) > 2 else 1
received = [0]


def peak_rss_mb():
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))


def run_bursts(peer, burst, flush, rounds=3):
    rounds = int(os.environ.get("ROUNDS", rounds))
    lock = threading.Lock()
    call = {"wall": 0, "cpu": 0}

    def one():
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        burst(BURST)
        cpu, wall = time.thread_time_ns() - cpu, time.perf_counter_ns() - wall
        with lock:
            call["wall"] += wall
            call["cpu"] += cpu

    for number in range(-1, rounds):  # round -1 warms up
        if number == 0:
            call.update(wall=0, cpu=0)
            cpu, wall, before = time.process_time_ns(), time.perf_counter_ns(), received[0]
        threads = [threading.Thread(target=one) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        flush()
    spans = rounds * BURST * THREADS
    wall = time.perf_counter_ns() - wall
    expected = 0 if WORKLOAD == "W4" else spans
    print(json.dumps({
        "peer": peer, "workload": WORKLOAD, "threads": THREADS, "spans": spans,
        "call_wall_ns": call["wall"] / spans, "call_ns": call["cpu"] / spans,
        "cpu_ns": (time.process_time_ns() - cpu) / spans, "spans_per_s": round(spans / (wall / 1e9)),
        "rss_mb": peak_rss_mb(), "dropped": abs(expected - (received[0] - before)), "note": "texts by reference",
    }), flush=True)

"""Agents that are killed at random, wherever they are in what they do."""
import signal
import subprocess
import time


def killed_at_random(times, agent, environment, randomness):
    """How many traces ended in agents that were killed, each after its first: a machine may be slow to start one."""
    ended = 0
    for _ in range(times):
        process = subprocess.Popen([agent, "endless"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   text=True)
        ended += bool(process.stdout.readline())
        time.sleep(0.2 + randomness.random())
        process.send_signal(signal.SIGKILL)
        ended += len(process.communicate()[0].splitlines())
    return ended

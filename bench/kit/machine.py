"""What one has to know about where and when figures were taken."""
import os
import platform
import re
import subprocess
from pathlib import Path


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return "not installed"
    return (done.stdout or done.stderr).strip().split("\n")[0]


def read(path):
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def load():
    return os.getloadavg()[0]


def processor():
    found = re.search(r"^model name\s*:\s*(.*)$", read("/proc/cpuinfo"), re.M)
    return found.group(1) if found else platform.machine()


def system():
    found = re.search(r'^PRETTY_NAME="?([^"\n]*)', read("/etc/os-release"), re.M)
    return found.group(1) if found else platform.system()


def revision(folder):
    git = ["git", "-C", str(folder)]
    # The pages that a run writes are no change of what it measures.
    changed = subprocess.run([*git, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/benchmarks*.md"],
                             capture_output=True, text=True).stdout.strip()
    return first_line([*git, "rev-parse", "--short=12", "HEAD"]) + (" with changes" if changed else "")


def file_system(path):
    lines = subprocess.run(["df", "--output=fstype", str(path)], capture_output=True, text=True).stdout.split()
    return lines[-1] if lines else "disk"


def describe(folder):
    return {
        "processor": f"{os.cpu_count()} x {processor()}",
        "clock source": read("/sys/devices/system/clocksource/clocksource0/current_clocksource") or "unknown",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.1f} GiB",
        "system": f"{system()}, Linux {platform.release()}",
        "compiler": first_line(["gcc", "--version"]),
        "revision": revision(folder),
    }

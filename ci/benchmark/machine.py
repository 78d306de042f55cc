"""The machine: what it is, and whether somebody else is using it."""

import os
import pathlib
import platform
import time

from errors import BenchError

# Cores that the whole machine may use while it counts as quiet.
QUIET_CORES = 0.2
# It must be quiet for so many looks in a row.
QUIET_LOOKS = 3
LOOK_SECONDS = 0.5
# File systems on which a flush costs nothing.
IN_MEMORY = ("tmpfs", "ramfs")


def busy_seconds(stat):
    """CPU seconds of all processors that were not idle, from the text of /proc/stat. What the hypervisor took counts:
    somebody is busy."""
    ticks = [int(field) for field in stat.split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, stolen = ticks[:8]
    return (user + nice + system + irq + softirq + stolen) / os.sysconf("SC_CLK_TCK")


def wait_until_quiet(seconds):
    """Waits until the machine is quiet, but not longer than that. Whether it is."""
    read = pathlib.Path("/proc/stat").read_text
    end = time.monotonic() + seconds
    quiet = 0
    while quiet < QUIET_LOOKS:
        if time.monotonic() >= end:
            return False
        before, began = busy_seconds(read()), time.monotonic()
        time.sleep(LOOK_SECONDS)
        used = (busy_seconds(read()) - before) / (time.monotonic() - began)
        quiet = quiet + 1 if used <= QUIET_CORES else 0
    return True


def file_system(path, mounts):
    """Kind and device of the file system that a path is on, from the text of /proc/mounts."""
    best = ("", "unknown", "unknown")
    for line in mounts.splitlines():
        device, point, kind = line.split()[:3]
        is_above = path == point or path.startswith(point.rstrip("/") + "/")
        # Of two on the same point the later one is on top.
        if is_above and len(point) >= len(best[0]):
            best = (point, kind, device)
    return best[1], best[2]


def disk_of(directory):
    """Kind and device of the file system; refuses one in memory."""
    mounts = pathlib.Path("/proc/mounts").read_text()
    kind, device = file_system(str(pathlib.Path(directory).resolve()), mounts)
    if kind in IN_MEMORY:
        raise BenchError(f"{directory} is in memory ({kind}), where a flush costs nothing: choose --dir on a disk")
    return kind, device


def describe(directory):
    """What the figures depend on, for people."""
    processors = pathlib.Path("/proc/cpuinfo").read_text()
    model = [line.split(":", 1)[1].strip() for line in processors.splitlines() if line.startswith("model name")]
    total = pathlib.Path("/proc/meminfo").read_text().split()[1]
    kind, device = disk_of(directory)
    release = platform.freedesktop_os_release()
    return {
        "processor": model[0] if model else platform.machine(),
        "processors": os.cpu_count(),
        "is_virtual": " hypervisor" in processors,
        "memory_gib": round(int(total) / 2**20),
        "kernel": platform.release(),
        "system": release.get("PRETTY_NAME", "unknown"),
        "file_system": kind,
        "device": device,
    }

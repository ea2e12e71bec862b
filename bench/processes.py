"""The system's figures of a process: CPU time, resident memory, children. Linux and macOS."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_LINUX = sys.platform.startswith("linux")
_CPUCLOCK_SCHED = 2
"""Linux makes a clock of a process id: its complement, shifted by three, and this kind (clock_getcpuclockid(3))."""


def cpu_seconds(pid: int) -> float:
    """User and system time that all threads of a process have used so far, to the nanosecond on Linux."""
    if _LINUX:
        return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)
    return _clock_seconds(_ps(pid, "time"))


def resident_bytes(pid: int) -> int:
    """Physical memory that a process holds (RSS)."""
    if _LINUX:
        match = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text("ascii"), re.MULTILINE)
        return int(match[1]) * 1024 if match else 0
    return int(_ps(pid, "rss")) * 1024


def children(pid: int) -> Sequence[int]:
    """The processes that a process has started and that still run."""
    if _LINUX:
        lists = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for each in lists for child in each.read_text("ascii").split()]
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(child) for child in listed.split()]


def _ps(pid: int, column: str) -> str:
    return subprocess.run(
        ["ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=True
    ).stdout.strip()


def _clock_seconds(text: str) -> float:
    """`[hours:]minutes:seconds` as seconds."""
    seconds = 0.0
    for part in text.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def machine_seconds() -> float:
    """Processor seconds of the whole machine in which it was busy, or which another machine on its host took. Linux."""
    user, nice, system, _idle, _waiting, *others = Path("/proc/stat").read_text("utf-8").split("\n", 1)[0].split()[1:9]
    return sum(float(each) for each in (user, nice, system, *others)) / os.sysconf("SC_CLK_TCK")

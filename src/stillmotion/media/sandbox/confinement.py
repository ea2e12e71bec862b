"""Confinement of a process that opens untrusted files: privileges given up for good."""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from stillmotion.media.sandbox.seccomp import allow_only_decoding

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
"""Linux, prctl(2)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one file: bytes of address space, seconds of processor time."""

    memory: int
    processor_seconds: int


def confine(limits: Limits) -> tuple[str, ...]:
    """Confine this process; returns the names of the restrictions that the system really enforces.

    They are `memory`, `processor`, `files` (none may grow), `privileges` (none can be gained) and `system calls` (no
    file can be opened, no connection made, no program started). Linux has all five, macOS the second and third.
    """
    held = [
        name
        for name, number, most in (
            ("memory", resource.RLIMIT_AS, limits.memory),
            ("processor", resource.RLIMIT_CPU, limits.processor_seconds),
            ("files", resource.RLIMIT_FSIZE, 0),
        )
        if (name != "memory" or sys.platform == "linux") and _limited(number, most)
    ]
    _limited(resource.RLIMIT_CORE, 0)
    if _gives_up_privileges():
        held.append("privileges")
        if allow_only_decoding():
            held.append("system calls")
    return tuple(held)


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when `parent` dies; elsewhere the closed pipe ends it.

    Raises `SystemExit` if the parent died before.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(0)


def be_first_to_go() -> None:
    """Make this process and its children the OOM killer's first choice (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def _limited(number: int, most: int) -> bool:
    """Set a resource limit, or keep a lower one.

    At the soft limit of processor time the kernel sends SIGXCPU, at the hard one SIGKILL.
    """
    hard = resource.getrlimit(number)[1]
    above = most + 1 if number == resource.RLIMIT_CPU else most
    if hard != resource.RLIM_INFINITY:
        most, above = min(most, hard), min(above, hard)
    try:
        resource.setrlimit(number, (most, above))
    except (ValueError, OSError):
        return False
    return True


def _gives_up_privileges() -> bool:
    if sys.platform != "linux":
        return False
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return bool(prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)

"""A renderer must not outlive its host, nor be stopped by signals that are meant for it."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
"""Linux, prctl(2): the signal to get when the parent dies."""


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when `parent` is gone; where it cannot, the closed pipe does it.

    Raises `SystemExit` where the parent died before the question.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(0)


def leave_signals_to_parent() -> None:
    """Ignore what a terminal or a service supervisor sends to a whole group: the host says when to stop."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def return_memory() -> None:
    """Give freed memory back to the system, where the C library (glibc) can be asked to."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

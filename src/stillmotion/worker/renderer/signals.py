"""A renderer must not be stopped by signals that are meant for its host, nor keep memory that it has no use for."""

import ctypes
import signal


def leave_signals_to_parent() -> None:
    """Ignore what a terminal or a service supervisor sends to a whole group: the host says when to stop."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def return_memory() -> None:
    """Give freed memory back to the system, where the C library (glibc) can be asked to."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

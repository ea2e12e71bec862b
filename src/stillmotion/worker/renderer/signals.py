"""Process settings of a renderer: ignored signals, and freed memory returned to the system."""

import ctypes
import signal


def leave_signals_to_parent() -> None:
    """Ignore signals that a terminal or supervisor sends to the process group: the host decides when to stop."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def return_memory() -> None:
    """Give freed memory back to the system, where the C library (glibc) can be asked to."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

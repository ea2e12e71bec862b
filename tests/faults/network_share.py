"""Runner of commands as on a network share: `python -m tests.faults.network_share maps|locks '[["serve"], …]'`.

A seccomp filter makes the kernel refuse shared memory maps of files (ENODEV) or file locks (ENOLCK), as file systems of
the network may do. It holds from the first line of the first command.
"""

import ctypes
import errno
import platform
import struct
import sys
from collections.abc import Mapping

from tests.faults.many_commands import tell

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
LOAD, AND, JUMP_IF_EQUAL, RETURN = 0x20, 0x54, 0x15, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER_AT, ARGUMENTS_AT = 0, 16
MAP_SHARED, PROT_WRITE, NO_FILE = 1, 2, 0xFFFFFFFF
F_SETLK, F_SETLKW = 6, 7
NUMBERS: Mapping[str, Mapping[str, int]] = {
    "x86_64": {"mmap": 9, "flock": 73, "fcntl": 72},
    "aarch64": {"mmap": 222, "flock": 32, "fcntl": 25},
}


class Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def argument(number: int) -> tuple[int, int, int, int]:
    """BPF instruction that loads the low half of a call's argument."""
    return LOAD, 0, 0, ARGUMENTS_AT + 8 * number


def without_maps(numbers):
    return [
        (LOAD, 0, 0, NUMBER_AT),
        (JUMP_IF_EQUAL, 0, 9, numbers["mmap"]),
        argument(3),
        (AND, 0, 0, MAP_SHARED),
        (JUMP_IF_EQUAL, 0, 6, MAP_SHARED),
        argument(2),
        (AND, 0, 0, PROT_WRITE),
        (JUMP_IF_EQUAL, 0, 3, PROT_WRITE),
        argument(4),
        (JUMP_IF_EQUAL, 1, 0, NO_FILE),
        (RETURN, 0, 0, REFUSE | errno.ENODEV),
        (RETURN, 0, 0, ALLOW),
    ]


def without_locks(numbers):
    return [
        (LOAD, 0, 0, NUMBER_AT),
        (JUMP_IF_EQUAL, 4, 0, numbers["flock"]),
        (JUMP_IF_EQUAL, 0, 4, numbers["fcntl"]),
        argument(1),
        (JUMP_IF_EQUAL, 1, 0, F_SETLK),
        (JUMP_IF_EQUAL, 0, 1, F_SETLKW),
        (RETURN, 0, 0, REFUSE | errno.ENOLCK),
        (RETURN, 0, 0, ALLOW),
    ]


def refuse(steps) -> None:
    instructions = b"".join(struct.pack("=HBBI", *step) for step in steps)
    program = Program(len(steps), instructions)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.byref(program), 0, 0) == 0, ctypes.get_errno()


if __name__ == "__main__":
    lacking = {"maps": without_maps, "locks": without_locks}[sys.argv.pop(1)]
    refuse(lacking(NUMBERS[platform.machine()]))
    tell(sys.argv[1])

"""Allow-list of system calls for decoders; the kernel refuses all others (Linux, x86-64 and ARM).

A seccomp filter is a program for the kernel's virtual machine (classic BPF). It sees a call's number and arguments and
decides: linux/seccomp.h, linux/bpf_common.h, seccomp(2).
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_PR_SET_SECCOMP = 22
_MODE_FILTER = 2

_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _JUMP_IF_EQUAL, _AND, _RETURN = 0x20, 0x15, 0x54, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_INSTRUCTION = struct.Struct("=HBBI")

_CLONE_THREAD = 0x00010000
_CLONE_NEW_ANYTHING = 0x7E020000
"""All flags of clone(2) that create a namespace."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A processor architecture: its number in linux/audit.h, and its system call numbers (asm/unistd.h)."""

    audit: int
    calls: Mapping[str, int]


# fmt: off
X86_64: Final = Machine(0xC000003E, {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11,
    "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "pread64": 17, "readv": 19, "writev": 20,
    "sched_yield": 24, "mremap": 25, "madvise": 28, "nanosleep": 35, "getpid": 39, "clone": 56, "exit": 60,
    "uname": 63, "gettimeofday": 96, "getrusage": 98, "sysinfo": 99, "times": 100, "sigaltstack": 131, "gettid": 186,
    "futex": 202, "sched_getaffinity": 204, "restart_syscall": 219, "clock_gettime": 228, "clock_getres": 229,
    "clock_nanosleep": 230, "exit_group": 231, "tgkill": 234, "set_robust_list": 273, "getcpu": 309, "getrandom": 318,
    "membarrier": 324, "rseq": 334, "clone3": 435,
})
ARM_64: Final = Machine(0xC00000B7, {
    "read": 63, "write": 64, "close": 57, "fstat": 80, "ppoll": 73, "lseek": 62, "mmap": 222, "mprotect": 226,
    "munmap": 215, "brk": 214, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigreturn": 139, "pread64": 67,
    "readv": 65, "writev": 66, "sched_yield": 124, "mremap": 216, "madvise": 233, "nanosleep": 101, "getpid": 172,
    "clone": 220, "exit": 93, "uname": 160, "gettimeofday": 169, "getrusage": 165, "sysinfo": 179, "times": 153,
    "sigaltstack": 132, "gettid": 178, "futex": 98, "sched_getaffinity": 123, "restart_syscall": 128,
    "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "exit_group": 94, "tgkill": 131,
    "set_robust_list": 99, "getcpu": 168, "getrandom": 278, "membarrier": 283, "rseq": 293, "clone3": 435,
})
# fmt: on

_MACHINES: Mapping[str, Machine] = {"x86_64": X86_64, "aarch64": ARM_64}


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def allow_only_decoding() -> bool:
    """Refuse this process all system calls but memory, threads, and I/O on open files.

    Returns False if the system cannot. Refused calls fail with EPERM, as libraries expect; calls of another
    architecture kill the process. `PR_SET_NO_NEW_PRIVS` must be set.
    """
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        return False
    instructions = filter_program(machine, os.getpid())
    program = _Program(len(instructions) // _INSTRUCTION.size, instructions)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return bool(prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def filter_program(machine: Machine, process: int) -> bytes:
    """The filter's instructions for the process of that id."""
    calls = dict(machine.calls)
    clone, clone3, tgkill = (calls.pop(name) for name in ("clone", "clone3", "tgkill"))
    refuse, allow = (_RETURN, 0, 0, _REFUSE | errno.EPERM), (_RETURN, 0, 0, _ALLOW)
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_IF_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        # clone: threads only, no processes and no namespaces.
        (_JUMP_IF_EQUAL, 0, 5, clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_AND, 0, 0, _CLONE_THREAD | _CLONE_NEW_ANYTHING),
        (_JUMP_IF_EQUAL, 0, 1, _CLONE_THREAD),
        allow,
        refuse,
        # clone3 passes its arguments in memory, out of a filter's reach: with ENOSYS the C library falls back on clone.
        (_JUMP_IF_EQUAL, 0, 1, clone3),
        (_RETURN, 0, 0, _REFUSE | errno.ENOSYS),
        # tgkill: signals to itself only, for abort().
        (_JUMP_IF_EQUAL, 0, 4, tgkill),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        (_JUMP_IF_EQUAL, 0, 1, process),
        allow,
        refuse,
    ]
    for number in calls.values():
        # Fall through to `allow` on a match, otherwise skip it.
        steps += [(_JUMP_IF_EQUAL, 0, 1, number), allow]
    steps.append(refuse)
    return b"".join(_INSTRUCTION.pack(*step) for step in steps)

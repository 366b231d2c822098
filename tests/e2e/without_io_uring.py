#!/usr/bin/env python3
"""Runs a program to which the kernel refuses io_uring, as a container's seccomp profile does.

usage: without_io_uring.py EPERM|ENOSYS PROGRAM [ARGUMENT]...

A filter of this process and its children alone; no privilege is needed, and nothing stays.
"""

import ctypes
import errno
import os
import platform
import struct
import sys

PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
SECCOMP_RET_ALLOW = 0x7FFF0000
SECCOMP_RET_ERRNO = 0x00050000
IO_URING_SETUP = 425  # and its two neighbours; the same on every architecture
BPF_LOAD_WORD = 0x20
BPF_JUMP_IF_AT_LEAST = 0x35
BPF_JUMP_IF_GREATER = 0x25
BPF_RETURN = 0x06


class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def call(libc: ctypes.CDLL, option: int, *arguments: int) -> None:
    if libc.prctl(option, *[ctypes.c_ulong(argument) for argument in arguments]) != 0:
        number = ctypes.get_errno()
        sys.exit(f"without_io_uring: prctl({option}): {os.strerror(number)}")


def main() -> None:
    if len(sys.argv) < 3 or sys.argv[1] not in ("EPERM", "ENOSYS"):
        sys.exit(__doc__.strip())
    assert platform.system() == "Linux"
    refused = SECCOMP_RET_ERRNO | getattr(errno, sys.argv[1])
    code = b"".join(
        struct.pack("HBBI", *instruction)
        for instruction in (
            (BPF_LOAD_WORD, 0, 0, 0),  # the number of the system call
            (BPF_JUMP_IF_AT_LEAST, 0, 2, IO_URING_SETUP),
            (BPF_JUMP_IF_GREATER, 1, 0, IO_URING_SETUP + 2),
            (BPF_RETURN, 0, 0, refused),
            (BPF_RETURN, 0, 0, SECCOMP_RET_ALLOW),
        )
    )
    instructions = ctypes.create_string_buffer(code, len(code))
    program = Filter(len(code) // 8, ctypes.addressof(instructions))
    libc = ctypes.CDLL(None, use_errno=True)
    call(libc, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    call(libc, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program), 0, 0)
    os.execv(sys.argv[2], sys.argv[2:])


main()

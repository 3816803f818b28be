"""Run a module as on Binder: on one core, without a network. `python isolated.py CORE MODULE ARGS`."""

import ctypes
import fcntl
import os
import runpy
import socket
import struct
import sys

NEW_NETWORK = 0x40000000  # CLONE_NEWNET
SET_FLAGS = 0x8914  # SIOCSIFFLAGS
UP = 0x1 | 0x40  # IFF_UP | IFF_RUNNING


def leave_network() -> None:
    """Move to a network of our own with nothing but a loopback, where the system allows it.

    Elsewhere (not root, a strict container) the guard in every Python process has to do.
    """
    if ctypes.CDLL(None).unshare(NEW_NETWORK) == 0:
        with socket.socket() as any_socket:
            fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh14x", b"lo", UP))


if __name__ == "__main__":
    core, module, *arguments = sys.argv[1:]
    os.sched_setaffinity(0, {int(core)})
    leave_network()
    sys.argv = [module, *arguments]
    sys.path[0] = os.getcwd()
    runpy.run_module(module, run_name="__main__", alter_sys=True)

"""Refuses every connection and name look-up beyond this machine, and writes down who tried.

Python imports a module of this name at its start when its folder is on PYTHONPATH.
"""

import os
import socket
import sys


def is_here(host: object) -> bool:
    """Whether a host is this machine."""
    if isinstance(host, bytes):
        host = host.decode()
    if not isinstance(host, str):
        return host is None
    return host in ("", "localhost", "::1", "0.0.0.0", "::", socket.gethostname()) or (
        host.startswith("127.")
    )


def refuse(event: str, args: tuple) -> None:
    """An audit hook: raises on a connection that would leave the machine."""
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    if not is_here(host):
        with open(os.environ["MDLEARN_NETWORK_LOG"], "a") as log:
            log.write(f"{host}\n")
        raise ConnectionError(f"a chapter runs without a network, but asked for {host}")


if "MDLEARN_NETWORK_LOG" in os.environ:
    sys.addaudithook(refuse)

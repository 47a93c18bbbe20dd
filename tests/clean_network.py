"""Run a program where there is no network but loopback: ``python clean_network.py WORD ...``.

Meant to be started in a fresh network namespace; brings loopback up, makes sure that nothing else
is there, and becomes the program.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
REQUEST = "16sh14x"


def fresh() -> list[str]:
    """The words that start a program in a network namespace of its own."""
    if os.geteuid() == 0:
        return ["unshare", "--net", "--"]
    return ["unshare", "--user", "--map-root-user", "--net", "--"]


def reason_for_none() -> str | None:
    """Why no network namespace can be had here, or None."""
    try:
        done = subprocess.run([*fresh(), "true"], capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip() or "unshare failed" if done.returncode else None


def command(*words: str) -> list[str]:
    """The words that run a program there, as the user who runs this."""
    back: tuple[str, ...] = ()
    if os.geteuid() != 0:
        ids = f"--map-user={os.getuid()}", f"--map-group={os.getgid()}"
        back = ("unshare", "--user", *ids, "--")
    return [*fresh(), sys.executable, __file__, *back, *words]


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        request = struct.pack(REQUEST, b"lo", 0)
        _, flags = struct.unpack(REQUEST, fcntl.ioctl(asked, SIOCGIFFLAGS, request))
        fcntl.ioctl(asked, SIOCSIFFLAGS, struct.pack(REQUEST, b"lo", flags | IFF_UP))
    there = [name for _, name in socket.if_nameindex()]
    if there != ["lo"]:
        sys.exit(f"there is a network: {there}")
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()

"""One request and one answer over a socket in a directory; also a program, quick to start.

``python ask.py DIRECTORY REQUEST`` prints the answer's text and ends with 0 or 1. It uses
nothing but the standard library, so that it runs without the packages being looked up.
"""

from __future__ import annotations

import json
import os
import socket
import sys

SOCKET = "control"
_LONGEST = 1 << 20
Said = dict[str, object]


def ask(directory: str, request: str, seconds: float = 30.0) -> Said:
    """What the supervisor in the directory answers; raises OSError when nobody does.

    The socket is reached through the open directory: a path of its own may be too long for one.
    """
    held = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(seconds)
            sock.connect(f"/proc/self/fd/{held}/{SOCKET}")
            sock.sendall(request.encode() + b"\n")
            with sock.makefile("rb") as reading:
                answer = reading.readline(_LONGEST)
    finally:
        os.close(held)
    if not answer:
        raise ConnectionResetError(f"{directory}: hung up without an answer")
    said = json.loads(answer)
    return said if isinstance(said, dict) else {}


def main(arguments: list[str]) -> int:
    """Ask, print, and tell by the exit code whether it was done."""
    directory, request = arguments
    try:
        said = ask(directory, request)
    except OSError as error:
        sys.stderr.write(f"{directory}: nobody answers: {error}\n")
        return 1
    sys.stdout.write(f"{said.get('text', '')}\n")
    return 0 if said.get("done") else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

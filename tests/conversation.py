"""Questions of a command, answered at a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import time
from pathlib import Path

from covered import covered

PATIENCE = 60.0


def converse(words: list[str | Path], answers: list[tuple[str, str]]) -> str:
    """Type a command of drtool, answer each question when it comes; all that was printed."""
    pid, fd = pty.fork()
    if pid == 0:
        environment = {**covered(), "PATH": "/usr/bin:/bin", "TERM": "dumb", "COLUMNS": "200"}
        typed = [sys.executable, "-m", "drtool", *map(str, words)]
        os.execve(sys.executable, typed, environment)
    said = ""
    for question, answer in answers:
        said = read_until(fd, question, said)
        os.write(fd, f"{answer}\n".encode())
    said = read_until(fd, None, said)
    os.close(fd)
    assert os.waitpid(pid, 0)[1] == 0, said
    return said


def read_until(fd: int, mark: str | None, said: str) -> str:
    """What is printed up to a question, or up to the end."""
    end, begin = time.monotonic() + PATIENCE, len(said)
    while mark is None or not re.search(rf"{re.escape(mark)}[^\n]*: $", said[begin:]):
        assert time.monotonic() < end, f"no {mark!r} after:\n{said}"
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            more = os.read(fd, 65536)
        except OSError:  # Linux ends a terminal like this
            more = b""
        if not more:
            assert mark is None, f"no {mark!r} after:\n{said}"
            break
        said += more.decode(errors="replace")
    return said

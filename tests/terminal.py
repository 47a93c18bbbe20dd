"""What pages of the documentation show: files to write, and commands for a shell in a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from covered import covered

ROOT = Path(__file__).parents[1]
PROMPT = "typed-here> "
PATIENCE = 90.0
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\r")


@dataclass
class Typed:
    """One command of a page, what is typed at its prompts, and what it must print."""

    command: str
    answers: list[tuple[str, str]] = field(default_factory=list)
    prints: list[str] = field(default_factory=list)


def commands(text: str) -> Iterator[Typed]:
    """The commands of a page's console blocks, in their order."""
    for indent, block in re.findall(
        r"^( *)```console\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE
    ):
        typed: Typed | None = None
        for line in (one.removeprefix(indent) for one in block.splitlines()):
            if line.startswith("$ "):
                if typed:
                    yield typed
                typed = Typed(line[2:])
            elif typed and line.startswith("> "):
                typed.command += "\n" + line[2:]
            elif typed and (asked := re.match(r"(Type .*: )(\w+)$", line)):
                typed.answers.append((asked[1], asked[2]))
            elif typed:
                typed.prints.append(line)
        if typed:
            yield typed


def write_files(text: str, directory: Path) -> list[str]:
    """Write the blocks of a page that bear a file's name as their title; their names."""
    found = re.findall(r'^```\w+ title="([\w./-]+)"\n(.*?)^```', text, re.DOTALL | re.MULTILINE)
    for name, content in found:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(content, encoding="utf-8")
    return [name for name, _ in found]


class Terminal:
    """A shell in a pseudo-terminal."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], environment)
        self.read_until(PROMPT)

    def type(self, typed: Typed) -> str:
        os.write(self.fd, typed.command.encode() + b"\n")
        said = ""
        for prompt, answer in typed.answers:
            said += self.read_until(prompt)
            os.write(self.fd, answer.encode() + b"\n")
        return said + self.read_until(PROMPT)

    def read_until(self, mark: str) -> str:
        said, end = "", time.monotonic() + PATIENCE
        while not said.endswith(mark):
            if time.monotonic() > end or not select.select([self.fd], [], [], 1)[0]:
                if time.monotonic() > end:
                    pytest.fail(f"no {mark!r} after:\n{said}")
                continue
            said += ESCAPES.sub("", os.read(self.fd, 65536).decode(errors="replace"))
        return said

    def follow(self, typed: Typed) -> str:
        """Type a command, and see that it prints what the page shows and ends well."""
        said = self.type(typed)
        plain = " ".join(said.split())
        for line in typed.prints:
            assert " ".join(line.split()) in plain, f"{typed.command}\nprinted:\n{said}"
        assert "Traceback" not in said, said
        if not typed.prints:
            code = self.type(Typed("echo code=$?"))
            assert "code=0" in code, f"{typed.command}\nprinted:\n{said}"
        return said

    def close(self) -> None:
        self.type(Typed("kill $(jobs -p) 2> /dev/null"))
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


@contextmanager
def terminal_in(directory: Path, **variables: str) -> Iterator[Terminal]:
    """A terminal of a person who has drtool on the path, and nothing else yet."""
    environment = {
        **covered(),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(directory),
        "DRTOOL_HOME": str(directory / "state"),
        "DRTOOL_LAB_HOME": str(directory / "lab"),
        "PS1": PROMPT,
        "PS2": "",
        "TERM": "xterm",
        "COLUMNS": "120",
        "LANG": "C.UTF-8",
        **variables,
    }
    opened = Terminal(directory, environment)
    try:
        yield opened
    finally:
        opened.type(Typed("drtool lab down 2> /dev/null"))
        opened.close()


def free_port(address: str = "127.0.2.1") -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])

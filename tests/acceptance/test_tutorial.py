"""The tutorial, typed line by line into a real shell in a real terminal."""

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
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from covered import covered

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial" / "own-service.md"
PROMPT = "typed-here> "
PATIENCE = 90.0
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\r")


@dataclass
class Typed:
    """One command of the tutorial, what is typed at its prompts, and what it must print."""

    command: str
    answers: list[tuple[str, str]] = field(default_factory=list)
    prints: list[str] = field(default_factory=list)


def commands(text: str) -> Iterator[Typed]:
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        typed: Typed | None = None
        for line in block.splitlines():
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

    def close(self) -> None:
        self.type(Typed("kill $(jobs -p) 2> /dev/null"))
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.2.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    environment = {
        **covered(),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "DRTOOL_HOME": str(tmp_path / "state"),
        "DRTOOL_LAB_HOME": str(tmp_path / "lab"),
        "PS1": PROMPT,
        "PS2": "",
        "TERM": "xterm",
        "COLUMNS": "120",
        "LANG": "C.UTF-8",
    }
    opened = Terminal(tmp_path, environment)
    try:
        yield opened
    finally:
        opened.type(Typed("drtool lab down 2> /dev/null"))
        opened.close()


@pytest.mark.lab
@pytest.mark.timeout(300)
def test_the_tutorial_does_what_it_says(terminal: Terminal) -> None:
    text = TUTORIAL.read_text(encoding="utf-8").replace("8099", str(free_port()))
    typed = list(commands(text))
    assert len(typed) > 15
    for one in typed:
        said = terminal.type(one)
        plain = " ".join(said.split())
        for line in one.prints:
            assert " ".join(line.split()) in plain, f"{one.command}\nprinted:\n{said}"
        assert "Traceback" not in said
        if not one.prints:
            code = terminal.type(Typed("echo code=$?"))
            assert "code=0" in code, f"{one.command}\nprinted:\n{said}"

"""Secrets that can be found again, and the search for them wherever a run leaves anything."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote, quote_plus

_SAMPLE_SECONDS = 0.005


def shapes(secret: str) -> Iterator[bytes]:
    """A secret as it may stand somewhere: as it is, and as programs write it."""
    data = secret.encode()
    texts = (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), data.hex(),
             data.hex().upper(), repr(secret)[1:-1], json.dumps(secret)[1:-1])  # fmt: skip
    yield from (text.encode() for text in texts)
    for before in ("", "u:", "ab"):  # within base64, at each place of a group of three
        text = base64.b64encode(before.encode() + data).decode()
        inner = text[4 if before else 0 : len(text.rstrip("=")) - 1]
        yield from (inner.encode(), inner.translate(str.maketrans("+/", "-_")).encode())


class Canaries:
    """Secrets by name; ``found`` is every place where one of them was seen."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._shapes = {name: tuple(dict.fromkeys(shapes(one))) for name, one in secrets.items()}
        self.found: list[str] = []
        self.searched: list[str] = []

    def search(
        self, place: str, data: bytes | str, *, allowed: frozenset[str] = frozenset()
    ) -> None:
        """Look into what somebody could read."""
        text = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
        self.searched.append(place)
        for name, known in self._shapes.items():
            if name not in allowed and any(shape in text for shape in known):
                self.found.append(f"{name} in {place}")

    def search_files(self, directory: Path, *, leave_out: tuple[Path, ...] = ()) -> int:
        """Look into every file below a directory; how many there were."""
        files = [
            file
            for file in directory.rglob("*")
            if file.is_file() and not any(file.is_relative_to(one) for one in leave_out)
        ]
        for file in files:
            with suppress(FileNotFoundError):
                self.search(str(file), file.read_bytes())
        return len(files)


class Watcher:
    """Looks all through a run at what other users see of processes, and what engines hand on.

    ``engines`` are process ids whose children's environments are searched; a child may know the
    secrets that ``needed`` names for its module.
    """

    def __init__(self, canaries: Canaries, needed: Mapping[str, frozenset[str]]) -> None:
        self._canaries, self._needed = canaries, needed
        self.engines: set[str] = set()
        self.commands: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    self._look(process)

    def _look(self, process: Path) -> None:
        command = (process / "cmdline").read_bytes()
        if command not in self.commands:
            self.commands.add(command)
            self._canaries.search(f"the arguments {command!r}", command)
        parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
        if parent not in self.engines:
            return
        allowed = frozenset[str]().union(
            *(names for module, names in self._needed.items() if module.encode() in command)
        )
        place = f"the environment of {command!r}"
        self._canaries.search(place, (process / "environ").read_bytes(), allowed=allowed)

"""Where a run's threads stand, so that a run that is taken up goes on in them."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from drtool.connections.slack import Posted


class Threads:
    """First messages by channel, in a small file of the run's.

    A file that cannot be read or written costs only a second thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Posted] = {}
        with suppress(OSError, ValueError, AttributeError):
            told = json.loads(path.read_text(encoding="utf-8"))
            self._known = {name: Posted.model_validate(part) for name, part in told.items()}

    def root(self, channel: str) -> Posted | None:
        """The first message in a channel."""
        return self._known.get(channel)

    def forget(self) -> None:
        """Begin anew with the next message."""
        self._known = {}
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    @property
    def told_gone(self) -> bool:
        """Whether people were told here that the engine is gone which began or took up the run."""
        return self._mark.exists()

    def tell_gone(self, *, told: bool) -> None:
        """Remember it, or forget it because another engine has taken the run up."""
        with suppress(OSError):
            if told:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._mark.touch(mode=0o600)
            else:
                self._mark.unlink(missing_ok=True)

    @property
    def _mark(self) -> Path:
        return self._path.with_suffix(".gone")

    def keep(self, channel: str, root: Posted) -> None:
        """Remember the first message in a channel."""
        self._known[channel] = root
        text = json.dumps({name: one.model_dump() for name, one in self._known.items()})
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._path.with_suffix(".new")
            with os.fdopen(
                os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"
            ) as out:
                out.write(text)
            fresh.replace(self._path)

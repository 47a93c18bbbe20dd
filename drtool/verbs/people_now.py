"""The inventory as its file is today, read again only when it has changed."""

from __future__ import annotations

import threading
from pathlib import Path

from drtool.model.inventory import Inventory
from drtool.runbook.inventory import read_inventory
from drtool.runbook.marks import FaultList

Stamp = tuple[int, int, int]


class InventoryNow:
    """Called, it costs a look at the file's date; None while the file cannot be read or is wrong.

    A key that was removed from a file takes effect at once, one that was added waits for the next
    run: who may approve a run was settled when it was planned.
    """

    def __init__(self, path: Path, known: Inventory | None = None) -> None:
        self._path = path.absolute()
        self._known, self._lock = known, threading.Lock()
        self._stamp = self._look() if known is not None else None

    def __call__(self) -> Inventory | None:
        """Today's inventory."""
        with self._lock:
            stamp = self._look()
            if stamp is None:
                return None
            if stamp != self._stamp:
                faults = FaultList()
                found = read_inventory(self._path, faults)
                self._known = found if not len(faults) else None
                self._stamp = stamp
            return self._known

    def _look(self) -> Stamp | None:
        try:
            seen = self._path.stat()
        except OSError:
            return None
        return seen.st_mtime_ns, seen.st_size, seen.st_ino

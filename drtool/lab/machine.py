"""A site as a machine with a power button: mains, a restore policy, and what runs while on."""

from __future__ import annotations

import os
import threading
import time
from enum import Enum
from pathlib import Path

from drtool.lab import shared_memory
from drtool.lab.children import Children
from drtool.lab.layout import SitePaths
from drtool.lab.processes import power_cut

_SITE = "site"
_GONE_SECONDS = 10.0
_POLL = 0.005


class RestorePolicy(Enum):
    """What a machine does when mains power returns (Redfish's PowerRestorePolicyTypes)."""

    ALWAYS_ON = "AlwaysOn"
    ALWAYS_OFF = "AlwaysOff"
    LAST_STATE = "LastState"


class Machine:
    """Ends and starts all of a site's processes; outlives them, as a power controller does."""

    def __init__(self, supervisor: list[str], directory: Path, log: Path) -> None:
        self._supervisor, self._directory, self._log = supervisor, directory, log
        self._lock = threading.RLock()
        self.policy = RestorePolicy.LAST_STATE
        self.mains = True
        self.on = False
        self._was_on = False
        self.children = Children()

    def press_on(self) -> str:
        """Switch on; gives why not, or nothing."""
        with self._lock:
            if not self.mains:
                return "there is no mains power"
            if not self.on:
                self._start()
            return ""

    def force_off(self) -> None:
        """Switch off at once; it stays off."""
        with self._lock:
            self._was_on = False
            self._cut()

    def lose_mains(self) -> None:
        """Have the mains fail; remembers whether the machine was on."""
        with self._lock:
            if self.mains:
                self._was_on, self.mains = self.on, False
                self._cut()

    def return_mains(self) -> None:
        """Have the mains return; the restore policy says what then happens."""
        with self._lock:
            if self.mains:
                return
            self.mains = True
            starts = self.policy is RestorePolicy.ALWAYS_ON
            if starts or (self.policy is RestorePolicy.LAST_STATE and self._was_on):
                self.press_on()

    def _start(self) -> None:
        self.children.spawn(_SITE, self._supervisor, self._log, self._directory)
        self.on = True

    def _cut(self) -> None:
        self.on = False
        power_cut(os.getpid())
        until = time.monotonic() + _GONE_SECONDS
        while self.children.pid(_SITE) is not None and time.monotonic() < until:
            time.sleep(_POLL)
        # Memory does not outlive a power cut.
        shared_memory.free(SitePaths(self._directory).data)

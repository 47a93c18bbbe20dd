"""Time: wall time for people, monotonic time for durations, the boot that both belong to."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

_UNSYNCHRONISED = 0x40
_PARTS = 64  # of a second


class Clock(Protocol):
    """Where a run takes its time from; tests pass one that they can move."""

    def wall(self) -> datetime:
        """The wall time, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only grow within one boot."""

    def boot_id(self) -> str:
        """Which boot of which machine the monotonic time belongs to."""

    def sleep(self, seconds: float, until: threading.Event | None = None) -> bool:
        """Wait; True when ``until`` was set before the time was up."""


class SystemClock:
    """The machine's own clock.

    Its monotonic time stands still while the machine sleeps, as do timeouts of threads: a step's
    deadline and a pulse count the time awake, so that nothing is overdue at the wake-up of which
    nobody could have seen anything. What is measured for people counts the sleep, see
    ``seconds_passed``.
    """

    def __init__(self) -> None:
        boot = Path("/proc/sys/kernel/random/boot_id")
        self._boot = boot.read_text().strip() if boot.exists() else "unknown-boot"

    def wall(self) -> datetime:
        """The wall time, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only grow within one boot."""
        return time.monotonic()

    def boot_id(self) -> str:
        """The kernel's boot id."""
        return self._boot

    def sleep(self, seconds: float, until: threading.Event | None = None) -> bool:
        """Wait; True when ``until`` was set before the time was up."""
        if until is not None:
            return until.wait(seconds)
        time.sleep(seconds)
        return False


def seconds_suspended() -> float:
    """How long this machine has slept since its boot, which monotonic time does not count.

    In whole parts of 1/64 s: two clocks cannot be read at one moment, and what jitters would make
    time go backward by that.
    """
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    if boottime is None:
        return 0.0
    return round(min(_ahead(boottime) for _ in range(3)) * _PARTS) / _PARTS


def _ahead(boottime: int) -> float:
    """How far the clock that counts sleep is ahead, or a bit more if this thread had to wait."""
    awake = time.clock_gettime(time.CLOCK_MONOTONIC)
    return max(0.0, time.clock_gettime(boottime) - awake)


def seconds_passed(clock: Clock) -> float:
    """Monotonic seconds, and those that the machine slept: what others count goes on meanwhile."""
    return clock.monotonic() + seconds_suspended()


def kept_in_time() -> bool | None:
    """Whether a time service keeps this machine's clock, by the kernel's word; None if unknown.

    chrony, ntpd and systemd-timesyncd all tell the kernel (adjtimex(2), STA_UNSYNC).
    """
    import ctypes  # noqa: PLC0415 - of use to nobody else

    class Timex(ctypes.Structure):
        """The beginning of ``struct timex``, and room for the rest."""

        _fields_ = (
            ("modes", ctypes.c_uint),
            ("adjustments", ctypes.c_long * 4),
            ("status", ctypes.c_int),
            ("rest", ctypes.c_char * 256),
        )

    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    asked = Timex()
    if adjtimex is None or adjtimex(ctypes.byref(asked)) < 0:
        return None
    return not asked.status & _UNSYNCHRONISED

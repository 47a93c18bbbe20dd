"""How a host fares: what a command costs there, its clock, the space on its disks."""

from __future__ import annotations

import re

from drtool.clock import Clock
from drtool.connections.ssh import SshReader
from drtool.connections.ssh_transport import AnswerLost
from drtool.errors import StepFailed
from drtool.model.value import Value

SECONDS = 2.5
# The clock comes last, so that a slow shell does not make it late; `df -P` as POSIX has it.
_SCRIPT = """for path; do
	LC_ALL=C df -Pk -- "$path" 2>/dev/null | sed -n 2p | grep . || echo none
done
date +%s.%N"""
_COLUMNS = re.compile(r"(\d+) +\d+ +(\d+) +\d+%")


class Space(Value):
    """What ``df`` says of the disk that a path lies on; None where there is no such path."""

    path: str
    free_bytes: int | None = None
    total_bytes: int | None = None


class Vitals(Value):
    """How a host fares.

    ``command_seconds`` is what a short command costs, ``network_seconds`` the way there and back.
    ``ahead_seconds`` is how far its clock is ahead of ours.
    """

    command_seconds: float
    network_seconds: float
    ahead_seconds: float
    spaces: tuple[Space, ...] = ()

    @property
    def shell_seconds(self) -> float:
        """What the login shell costs: a command goes there and back twice."""
        return max(0.0, self.command_seconds - 2 * self.network_seconds)


class VitalsReader(SshReader):
    """Measures one host; nothing here changes it."""

    def vitals(self, clock: Clock, paths: tuple[str, ...] = ()) -> Vitals:
        """How the host fares; ``paths`` are those whose disks are of interest.

        Raises StepFailed when a short command takes longer than 2.5 s.
        """
        network, began = self._transport.round_trip_seconds(), clock.monotonic()
        try:
            ran = self._transport.run(["sh", "-c", _SCRIPT, "drtool-vitals", *paths], SECONDS)
        except AnswerLost as error:
            raise StepFailed(
                self.subject,
                f"a short command does not end within {SECONDS:g} s",
                "a few milliseconds",
                "look what its login shell reads at the start: sh -x ~/.profile",
            ) from error
        ended, took = clock.wall().timestamp(), clock.monotonic() - began
        lines = ran.out.splitlines()
        if ran.code != 0 or len(lines) != len(paths) + 1:
            raise StepFailed(self.subject, f"its clock cannot be read: {ran.said()}")
        return Vitals(
            command_seconds=round(took, 4),
            network_seconds=round(network, 4),
            ahead_seconds=round(_seconds(lines[-1]) + network / 2 - ended, 4),
            spaces=tuple(map(_space, paths, lines)),
        )


def _seconds(text: str) -> float:
    """Seconds since the epoch; a ``date`` that knows no %N prints whole ones."""
    whole, _, part = text.partition(".")
    return float(f"{whole}.{part}" if part.isdigit() else whole)


def _space(path: str, line: str) -> Space:
    """The columns of ``df``: all, used and available, in KiB."""
    found = _COLUMNS.search(line)
    if found is None:
        return Space(path=path)
    return Space(path=path, total_bytes=int(found[1]) * 1024, free_bytes=int(found[2]) * 1024)

"""This machine's clock beside those of all machines that told theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drtool.safety.loss import CLOCK_TOLERANCE
from drtool.units import brief_text
from drtool.verbs.doctor.finding import Area, Finding
from drtool.verbs.doctor.seen import Seen, answering

_AREA = Area.CLOCKS
_CURE = "timedatectl on both machines; install chrony where the clock is not synchronised"
TOLERANCE_SECONDS = CLOCK_TOLERANCE.total_seconds()
# Half of the 300 s that TSIG allows (RFC 8945, 10); these clocks are told in whole seconds.
SIGNING_TOLERANCE_SECONDS = 150.0


@dataclass(frozen=True)
class Told:
    """A machine's clock: how far it is ahead of ours, and how far it may be."""

    subject: str
    ahead: float
    tolerance: float = TOLERANCE_SECONDS

    @property
    def astray(self) -> bool:
        """Whether it is further away than it may be."""
        return abs(self.ahead) > self.tolerance

    def __str__(self) -> str:
        """The difference as people read it."""
        return f"{brief_text(abs(self.ahead))} {'ahead of' if self.ahead > 0 else 'behind'}"


def clocks_of(seen: Seen) -> list[Told]:
    """Every clock that was told."""
    hosts = [Told(f"host {name}", one.ahead_seconds) for name, one in answering(seen.hosts).items()]
    servers = [
        Told(f"postgresql {name}", one.ahead_seconds)
        for name, one in answering(seen.servers).items()
    ]
    signers = [
        Told(f"dns server {name}", one.ahead_seconds, SIGNING_TOLERANCE_SECONDS)
        for name, one in answering(seen.name_servers).items()
        if one.ahead_seconds is not None
    ]
    return [*hosts, *servers, *signers]


def findings(told: Sequence[Told], *, kept: bool | None) -> Iterator[Finding]:
    """Whether a time service keeps our clock, and which clocks are apart from it.

    Where all others agree with one another, ours is the one that is wrong.
    """
    if kept is False:
        yield _AREA.warning(
            "this machine",
            "no time service keeps its clock, by the kernel's word",
            "timedatectl set-ntp true, or install chrony",
        )
    astray = [clock for clock in told if clock.astray]
    if len(astray) > 1 and len(astray) == len(told) and _agree(astray):
        ours = Told("this machine", -astray[0].ahead)
        yield _AREA.problem(
            ours.subject,
            f"its clock is {ours} all {len(told)} others",
            _CURE,
            f"at most {TOLERANCE_SECONDS:g} s apart",
        )
        return
    for clock in astray:
        yield _AREA.problem(
            clock.subject,
            f"its clock is {clock} ours",
            _CURE,
            f"at most {clock.tolerance:g} s apart",
        )
    if told and not astray:
        most = max(abs(clock.ahead) for clock in told)
        count = f"{len(told)} other clock{'s' if len(told) > 1 else ''}"
        yield _AREA.well(count, f"at most {brief_text(most)} apart from ours")
    elif kept and not told:
        yield _AREA.well("this machine", "a time service keeps its clock")


def _agree(clocks: Sequence[Told]) -> bool:
    ahead = [clock.ahead for clock in clocks]
    return max(ahead) - min(ahead) < TOLERANCE_SECONDS

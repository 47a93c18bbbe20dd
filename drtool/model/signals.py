"""What shows that a service is out, from where it is seen, and what may follow by itself."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from drtool.model.value import Name, Value
from drtool.model.words import Plain, Text, Url
from drtool.units import Duration

SHORTEST_HOLD_DOWN = Duration(60)
HOLD_DOWN = Duration(90)
SHORTEST_WINDOW = Duration(3600)
WINDOW = Duration(86400)
KINDS = ("http", "tcp", "heartbeat", "ssh", "command")


def _long_enough(hold_down: Duration) -> Duration:
    if hold_down < SHORTEST_HOLD_DOWN:
        msg = (
            f"{hold_down} is shorter than {SHORTEST_HOLD_DOWN}; a blip must not count as an outage"
        )
        raise ValueError(msg)
    return hold_down


def _wide_enough(window: Duration) -> Duration:
    if window < SHORTEST_WINDOW:
        msg = f"{window} is shorter than {SHORTEST_WINDOW}; what flaps must be left to a person"
        raise ValueError(msg)
    return window


HoldDown = Annotated[Duration, AfterValidator(_long_enough)]
Window = Annotated[Duration, AfterValidator(_wide_enough)]


class Signal(Value):
    """One sign of whether a service is well: exactly one of its kinds, seen from one place."""

    http: Url | None = Field(
        default=None, description="A page that must answer with a status below 400."
    )
    tcp: Plain | None = Field(
        default=None, description="A system, SITE.SYSTEM, whose port must take connections."
    )
    heartbeat: Plain | None = Field(
        default=None,
        description="A system, SITE.SYSTEM, that hears from its primary; it looks from there.",
    )
    ssh: Name | None = Field(default=None, description="A host that must answer over SSH.")
    command: tuple[Text, ...] | None = Field(
        default=None,
        description="What must end with 0, word by word; 1 says out, all else says nothing.",
    )
    from_host: Name | None = Field(
        default=None,
        description="The host that looks, over SSH; default: the machine of `drtool watch`.",
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            msg = (
                f"says {' and '.join(given) or 'nothing'}; write exactly one of {', '.join(KINDS)}"
            )
            raise ValueError(msg)
        if self.from_host is not None and given[0] in {"heartbeat", "ssh"}:
            msg = f"{given[0]} has a place to look from of its own; leave out from_host"
            raise ValueError(msg)
        if self.command is not None and not self.command:
            msg = "command is an empty list"
            raise ValueError(msg)
        return self

    @property
    def kind(self) -> str:
        """Which kind it is."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    def __str__(self) -> str:
        """The signal as people read it: what is looked at, and from where."""
        what = getattr(self, self.kind)
        said = " ".join(what) if isinstance(what, tuple) else what
        return f"{self.kind} {said}" + (f" from {self.from_host}" if self.from_host else "")


class AutomaticFailover(Value):
    """That `drtool watch` may start a failover by itself, and who allowed it."""

    runbook: Plain = Field(description="The runbook's file, relative to the inventory.")
    allowed_by: Text = Field(description="Who answers for it; the name stands in each report.")
    hold_down: HoldDown | None = Field(
        default=None, description="How long the outage must last; default: the service's."
    )
    at_most_once_in: Window = Field(
        default=WINDOW, description="No second automatic one within this time; at least 1h."
    )


class Automatic(Value):
    """What may be done without a person; nothing unless it is written."""

    failover: AutomaticFailover = Field(description="A failover when the signals say outage.")


class Allowance(Value):
    """That an inventory let a run begin without a person: who answers for it, and for what.

    ``source`` is the inventory's file and ``sha256`` that of its content at that moment;
    ``because`` is what the signals said.
    """

    by: Text
    source: str
    sha256: str
    because: str

    def __str__(self) -> str:
        """The allowance on one line."""
        return (
            f"nobody typed this: drtool watch started it, because {self.because}; {self.by} "
            f"allowed that in {self.source} (sha256 {self.sha256[:12]})"
        )

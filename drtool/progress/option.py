"""One thing that a person may type now, with what it leads to."""

from __future__ import annotations

from drtool.model.value import Value
from drtool.progress.run_state import RunState


class Option(Value):
    """A command, and what follows when it is typed."""

    command: str
    consequence: str


def report(state: RunState, about: str) -> Option:
    """Read the report; ``about`` is what stands in it."""
    return option(f"drtool report {state.run}", about)


def status() -> Option:
    """See how all services stand."""
    return option("drtool status", "how all services stand; changes nothing")


def runs() -> Option:
    """See all runs."""
    return option("drtool runs", "all runs, newest first; changes nothing")


def option(command: str, consequence: str) -> Option:
    """A command with what follows."""
    return Option(command=command, consequence=consequence)

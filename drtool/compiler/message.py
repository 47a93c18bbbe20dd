"""What the engine and the process that carries its run through Prefect tell one another.

One message is one line of JSON. Nothing but the standard library is imported here: both ends
must start quickly, and neither needs to know the other's types.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Begin:
    """To the vehicle: what Prefect is to show of the run besides its steps; nothing secret."""

    flow: str
    run: str
    artifact: str
    tags: tuple[str, ...]
    parameters: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Ready:
    """To the vehicle: a step may start; ``upstream`` are the task runs of those before it."""

    task_run: str
    step: str
    upstream: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """To the vehicle: how a step ended, as the type and the text of a state of Prefect's."""

    task_run: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Close:
    """To the vehicle: the run's last state, and the report in Markdown."""

    kind: str
    text: str
    report: str


@dataclass(frozen=True, slots=True)
class Up:
    """To the engine: Prefect has taken the run."""

    flow_run: str


@dataclass(frozen=True, slots=True)
class Claim:
    """To the engine: Prefect has started the step's task, which waits for the step to be done."""

    task_run: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """To the engine: what Prefect met, in a few words."""

    text: str


Message = Begin | Ready | Done | Close | Up | Claim | Trouble
_KINDS: dict[str, type[Message]] = {
    each.__name__: each for each in (Begin, Ready, Done, Close, Up, Claim, Trouble)
}


def encode(message: Message) -> bytes:
    """The message as a line."""
    return json.dumps([type(message).__name__, asdict(message)]).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message of a line; raises ValueError when it is none."""
    try:
        kind, fields = json.loads(line)
        known: Callable[..., Message] = _KINDS[kind]
        return known(**{key: _frozen(value) for key, value in fields.items()})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"no message: {line[:80]!r}") from error


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value

"""What the engine tells the process that tells people: a word and a value in JSON, each a line."""

from __future__ import annotations

from drtool.model.event import Event
from drtool.model.notify import Notify
from drtool.model.value import Value


class Begin(Value):
    """The ways, the directory that secret files are relative to, and where threads are kept.

    ``journal`` is where the engine leaves its pulse; without it nobody looks whether it hangs.
    """

    notify: Notify
    directory: str
    threads: str
    journal: str = ""


class Heard(Value):
    """An event; one that an earlier engine has told is only ``known``."""

    event: Event
    known: bool = False


class Over(Value):
    """No event will follow, and an account is wanted."""


Line = Begin | Heard | Over


def encoded(line: Line) -> bytes:
    """A line for the process; an event is written as the journal writes it."""
    if isinstance(line, Heard):
        word = "known" if line.known else "heard"
        return f"{word} {line.event.model_dump_json()}\n".encode()
    return f"{type(line).__name__.lower()} {line.model_dump_json()}\n".encode()


def decoded(line: bytes) -> Line:
    """The value of a line; raises ValueError when it is none."""
    word, _, text = line.partition(b" ")
    match word:
        case b"begin":
            return Begin.model_validate_json(text)
        case b"over":
            return Over.model_validate_json(text)
        case _:
            return Heard(event=Event.model_validate_json(text), known=word == b"known")

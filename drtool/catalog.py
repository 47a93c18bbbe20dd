"""Names of actions, checks and notices to the classes behind them, by entry points."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, metadata
from itertools import takewhile
from typing import Self

from drtool.action import Check, Command, Entry, Notice
from drtool.errors import BadInput
from drtool.model.purpose import StepKind

GROUP = "drtool.actions"
# fmt: off
ENGINE_KEYS = frozenset({
    "step", "action", "check", "notice", "approval", "manual", "use", "as", "at", "purpose",
    "budget", "deadline", "attempts", "every", "passes", "on_failure", "when", "repeatable",
    "with", "parallel", "each", "ramp",
})
# fmt: on


class Catalog:
    """What a step can name. Classes are imported when they are first asked for.

    Built-in and foreign actions come in by the same door: the entry points of the group
    ``drtool.actions``, each named ``technology.verb``.
    """

    def __init__(self, entries: Mapping[str, EntryPoint | type[Entry]] | None = None) -> None:
        self._entries: dict[str, EntryPoint | type[Entry]] = dict(entries or {})

    @classmethod
    def load(cls) -> Self:
        """All that is installed; nothing is imported yet."""
        return cls({point.name: point for point in entry_points(group=GROUP)})

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._entries)

    def nearest(self, name: str) -> str | None:
        """The known name most like this one."""
        return nearest(name, self._entries)

    def register(self, name: str, entry: type[Entry]) -> None:
        """Add a class under a name; for tests, and for those who embed drtool.

        Raises BadInput when one of its fields bears the name of a key of the engine.
        """
        reason = reason_not_to_register(entry)
        if reason:
            raise BadInput(f"action {name}", reason)
        self._entries[name] = entry

    def get(self, name: str) -> type[Entry]:
        """The class behind a name.

        Raises BadInput with the nearest name, or the extra that would bring it, when there is
        none, when it cannot be imported, or when it does not keep the contract.
        """
        found = self._entries.get(name)
        if found is None:
            raise self._unknown(name)
        if isinstance(found, EntryPoint):
            self.register(name, _imported(name, found))
            return self.get(name)
        return found

    def _unknown(self, name: str) -> BadInput:
        like = self.nearest(name)
        technology = name.partition(".")[0]
        strange = not any(known.startswith(f"{technology}.") for known in self._entries)
        if like:
            hint = f"did you mean {like}?"
        elif strange and technology in _extras() - {"lab"}:
            hint = f"pip install 'drtool[{technology}]'"
        else:
            hint = "drtool actions lists them all"
        return BadInput(f"unknown action {name}", "nothing installed has that name", hint=hint)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like this one; None when none is like it."""
    found = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    return max(found, key=lambda like: _likeness(name, like), default=None)


def _likeness(name: str, like: str) -> tuple[float, int]:
    """How alike two names are; of those equally alike, the one that begins alike is meant."""
    matcher = difflib.SequenceMatcher(a=like, b=name)
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(name, like, strict=False))
    return matcher.ratio(), len(list(alike))


def kind_of(entry: type[Entry]) -> StepKind:
    """What a step that names this class is."""
    for base, kind in (
        (Check, StepKind.CHECK),
        (Notice, StepKind.NOTICE),
        (Command, StepKind.COMMAND),
    ):
        if issubclass(entry, base):
            return kind
    return StepKind.ACTION


def is_one_way(entry: type[Entry]) -> bool:
    """Whether what the class does cannot be taken back."""
    return kind_of(entry) in {StepKind.ACTION, StepKind.COMMAND} and bool(
        getattr(entry, "one_way", True)
    )


def reason_not_to_register(entry: object) -> str | None:
    """A sentence when a class cannot be offered to runbooks, or None."""
    if not (inspect.isclass(entry) and issubclass(entry, Entry)):
        return "is not a class that keeps the contract of drtool.action"
    taken = sorted(ENGINE_KEYS & set(entry.model_fields))
    if taken:
        return f"its field {taken[0]} bears the name of a key of the engine"
    if getattr(entry, "purpose", None) is None:
        return "declares no purpose"
    return None


def _imported(name: str, point: EntryPoint) -> type[Entry]:
    try:
        found = point.load()
    except ImportError as error:
        extra = point.extras[0] if point.extras else name.partition(".")[0]
        hint = f"pip install 'drtool[{extra}]'" if extra in _extras() else ""
        raise BadInput(f"action {name}", f"cannot be imported: {error}", hint=hint) from error
    except AttributeError as error:
        raise BadInput(f"action {name}", f"its entry point is broken: {error}") from error
    reason = reason_not_to_register(found)
    if reason:
        raise BadInput(f"action {name}", reason)
    entry: type[Entry] = found
    return entry


def _extras() -> frozenset[str]:
    try:
        return frozenset(metadata("drtool").get_all("Provides-Extra") or ())
    except PackageNotFoundError:
        return frozenset()

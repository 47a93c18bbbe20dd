"""A document as it was written: values that know where they stand, and the faults found there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import JsonValue

from drtool.errors import Faults

MOST = 100


class Mark(NamedTuple):
    """A place in a file; lines and columns count from one."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """The place as errors begin."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(slots=True)
class Scalar:
    """A single value; ``plain`` when it was written without quotes."""

    mark: Mark
    value: str | int | float | bool | None
    plain: bool = False


@dataclass(slots=True)
class Items:
    """A list."""

    mark: Mark
    nodes: list[Node]


@dataclass(slots=True)
class Pairs:
    """A mapping; ``keys`` are the places of its keys."""

    mark: Mark
    nodes: dict[str, Node]
    keys: dict[str, Mark]


Node = Scalar | Items | Pairs


def bare(node: Node) -> JsonValue:
    """The value without its marks."""
    if isinstance(node, Pairs):
        return {key: bare(part) for key, part in node.nodes.items()}
    return [bare(part) for part in node.nodes] if isinstance(node, Items) else node.value


def kind_name(node: Node) -> str:
    """What a node is, in the words of messages."""
    if isinstance(node, Pairs):
        return "a mapping"
    if isinstance(node, Items):
        return "a list"
    if node.value is None:
        return "empty"
    return repr(node.value) if not isinstance(node.value, bool) else str(node.value).lower()


def walk(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """The node and everything below it, each with its dotted path."""
    yield path, node
    if isinstance(node, Scalar):
        return
    parts = node.nodes.items() if isinstance(node, Pairs) else enumerate(node.nodes)
    for key, part in parts:
        yield from walk(part, f"{path}.{key}" if path else str(key))


def mark_at(node: Node, path: tuple[str | int, ...], *, key: bool = False) -> Mark:
    """Where a path ends; with ``key`` the key itself, otherwise its value."""
    mark = node.mark
    for position, part in enumerate(path):
        if isinstance(node, Pairs) and part in node.nodes:
            last = position == len(path) - 1
            mark = node.keys[str(part)] if key and last else node.nodes[str(part)].mark
            node = node.nodes[str(part)]
        elif isinstance(node, Items) and isinstance(part, int) and part < len(node.nodes):
            node = node.nodes[part]
            mark = node.mark
    return mark


@dataclass
class FaultList:
    """All faults of one loading, told at once and in the order of the text.

    ``found`` are their places and texts. ``spoiled`` are the places of values that have a fault
    already and are judged no further.
    """

    spoiled: set[Mark] = field(default_factory=set)
    found: set[tuple[Mark, str]] = field(default_factory=set)

    def add(self, mark: Mark | str, what: str, hint: str = "") -> None:
        """Take note of one fault; the same one twice is told once."""
        place = mark if isinstance(mark, Mark) else parse_mark(mark)
        text = f"{place}: {what}" + (f"\n  hint: {hint}" if hint else "")
        self.found.add((place, text))

    def spoil(self, mark: Mark, what: str, hint: str = "") -> None:
        """Take note of a fault in a value, and judge that value no further."""
        self.add(mark, what, hint)
        self.spoiled.add(mark)

    def add_common(self, lists: Iterable[FaultList]) -> None:
        """Take note of the faults that stand in each of the lists."""
        self.found |= set.intersection(*(one.found for one in lists))

    def __len__(self) -> int:
        """How many there are."""
        return len(self.found)

    def lines(self) -> tuple[str, ...]:
        """All of them, sorted by file, line and column; the first hundred, if there are more."""
        found = [text for _, text in sorted(self.found)]
        more = len(found) - MOST
        return (*found[:MOST], f"and {more:,} more faults") if more > 0 else tuple(found)

    def raise_any(self) -> None:
        """Raise Faults when there are some."""
        if self.found:
            raise Faults(self.lines())


def parse_mark(text: str) -> Mark:
    """A mark from its text."""
    file, line, column = text.rsplit(":", 2)
    return Mark(file, int(line), int(column))

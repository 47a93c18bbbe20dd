"""Take typed values out of one marked mapping, noting a fault for each that is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import TypeVar

from drtool.catalog import nearest
from drtool.model.value import NAME
from drtool.runbook.marks import FaultList, Items, Mark, Node, Pairs, Scalar, kind_name
from drtool.units import Duration

E = TypeVar("E", bound=Enum)


class Keys:
    """One mapping, spoken of as ``subject``; a getter gives None where there is nothing right."""

    def __init__(self, pairs: Pairs, subject: str, faults: FaultList) -> None:
        self.pairs, self.subject, self.faults = pairs, subject, faults

    def __contains__(self, key: str) -> bool:
        return key in self.pairs.nodes

    def node(self, key: str) -> Node | None:
        """What stands under a key, unless it was found faulty already."""
        found = self.pairs.nodes.get(key)
        return None if found is None or found.mark in self.faults.spoiled else found

    def mark(self, key: str = "") -> Mark:
        """Where a key stands; the mapping itself without one."""
        return self.pairs.keys.get(key, self.pairs.mark)

    def fault(self, mark: Mark, what: str, hint: str = "") -> None:
        """Note a fault of this mapping."""
        self.faults.add(mark, f"{self.subject}: {what}" if self.subject else what, hint)

    def only(self, allowed: Iterable[str]) -> None:
        """Note every key that is not allowed, with the nearest that is."""
        known = set(allowed)
        for key, mark in self.pairs.keys.items():
            if key not in known:
                self.fault(mark, f"unknown key {key}", did_you_mean(key, known))

    def need(self, key: str, hint: str = "") -> Node | None:
        """What stands under a key that has to be there."""
        if key not in self.pairs.nodes:
            self.fault(self.pairs.mark, f"{key} is missing", hint)
        return self.node(key)

    def wrong(self, key: str, node: Node, expected: str, hint: str = "") -> None:
        """Note that a value is not what it should be."""
        self.fault(node.mark, f"{key} is {kind_name(node)}, expected {expected}", hint)

    def text(self, key: str) -> str | None:
        """Text that is not empty."""
        node = self.node(key)
        if node is None:
            return None
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value.strip():
            return node.value
        self.wrong(key, node, "text")
        return None

    def name(self, key: str) -> str | None:
        """A name, as steps and blocks bear."""
        text = self.text(key)
        if text is None or is_name(text):
            return text
        self.not_a_name(self.pairs.nodes[key].mark, key, text)
        return None

    def not_a_name(self, mark: Mark, key: str, text: str) -> None:
        """Note that something should be a name."""
        like = re.sub(r"\W+", "_", text.lower()).strip("_")
        self.fault(
            mark,
            f"{key} {text!r} is not a name: small letters, digits and underscores, a letter first",
            f"write {like}" if is_name(like) else "",
        )

    def duration(self, key: str, *, zero: bool = False) -> Duration | None:
        """A length of time with its unit; more than nothing unless ``zero``."""
        node = self.node(key)
        if node is None:
            return None
        if not isinstance(node, Scalar) or node.value is None:
            self.wrong(key, node, "a duration, as 30s")
            return None
        try:
            found = Duration.parse(node.value)
        except ValueError as error:
            what, _, hint = str(error).partition("; ")
            self.fault(node.mark, f"{key}: {what}", hint)
            return None
        if found.seconds == 0 and not zero:
            self.fault(node.mark, f"{key} is {node.value}, expected more than nothing")
            return None
        return found

    def count(self, key: str) -> int | None:
        """A whole number from 1 to 10,000."""
        node = self.node(key)
        if node is None:
            return None
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10_000:
            return value
        self.wrong(key, node, "a whole number from 1 to 10000")
        return None

    def flag(self, key: str) -> bool | None:
        """True or false."""
        node = self.node(key)
        if node is None:
            return None
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        self.wrong(
            key, node, "true or false", flag_hint(node.value if isinstance(node, Scalar) else "")
        )
        return None

    def choice(self, key: str, of: type[E]) -> E | None:
        """One word of a list."""
        node = self.node(key)
        if node is None:
            return None
        value = node.value if isinstance(node, Scalar) else None
        words = [member.value for member in of]
        if value in words:
            return of(value)
        self.wrong(key, node, one_of(words), did_you_mean(str(value), words))
        return None

    def items(self, key: str) -> list[Node] | None:
        """A list that is not empty."""
        node = self.node(key)
        if node is None:
            return None
        if isinstance(node, Items) and node.nodes:
            return node.nodes
        if isinstance(node, Items):
            self.fault(node.mark, f"{key} is an empty list")
        else:
            self.wrong(key, node, "a list")
        return None

    def inner(self, key: str, subject: str = "") -> Keys | None:
        """A mapping within."""
        node = self.node(key)
        if node is None:
            return None
        if isinstance(node, Pairs):
            return Keys(node, subject or self.subject, self.faults)
        self.wrong(key, node, "a mapping")
        return None


def is_name(text: str) -> bool:
    """Whether text can be a name."""
    return re.fullmatch(NAME.strip("^$"), text) is not None and len(text) <= 63


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint with the nearest word, empty when none is near."""
    like = nearest(word, known)
    return f"did you mean {like}?" if like else ""


def one_of(words: Iterable[str]) -> str:
    """Words as a choice: a, b or c."""
    listed = list(words)
    return " or ".join([", ".join(listed[:-1]), listed[-1]]) if len(listed) > 1 else listed[0]


def flag_hint(found: object) -> str:
    """What to write instead of the yes and no of YAML 1.1."""
    value = str(found).lower()
    word = {"on": "true", "yes": "true", "y": "true", "off": "false", "no": "false", "n": "false"}
    return f"write {word[value]}" if value in word else ""

"""Read one YAML file into marked nodes, without ever building an object that it names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import yaml

from drtool.runbook.blanks import note_blanks
from drtool.runbook.marks import FaultList, Items, Mark, Node, Pairs, Scalar
from drtool.runbook.scalars import resolve
from drtool.runbook.text import read_text

Kind = Literal["runbook", "inventory"]
_KEYS: dict[Kind, set[str]] = {
    "runbook": {"runbook", "procedures"},
    "inventory": {"services", "sites"},
}
DEPTH = 50
SIZE = 100_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unreadable(Exception):
    """Raised when nothing can be made of the rest of a document; the fault has been noted."""


def read_document(path: Path, faults: FaultList, kind: Kind | None = None) -> Pairs | None:
    """The document's mapping, or None when nothing can be read; faults go to the list.

    Nothing is read of a document that is clearly of the other ``kind``: one of its keys after the
    other would be a fault.
    """
    name = str(path)
    text = read_text(path, faults)
    if text is None:
        return None
    try:
        root = _Builder(name, faults).build(text)
    except yaml.MarkedYAMLError as error:
        _say_yaml(name, text, error, faults)
        return None
    except Unreadable:
        return None
    if not isinstance(root, Pairs):
        at = root.mark if root else Mark(name, 1, 1)
        empty = root is None or (isinstance(root, Scalar) and root.value is None)
        faults.add(
            at,
            "the file is empty" if empty else "the document is not a mapping",
            "it starts with version: 1",
        )
        return None
    if kind is not None and (mistaken := _mistaken_for(root, kind)):
        faults.add(root.mark, *mistaken)
        return None
    note_blanks(root, faults)
    return root


def _mistaken_for(root: Pairs, kind: Kind) -> tuple[str, str] | None:
    """What a document is instead of what was to be read, and a hint; None where that is open."""
    there = {one for one, keys in _KEYS.items() if keys & root.nodes.keys()}
    if kind in there or not there:
        return None
    if kind == "inventory":
        return "this is a runbook, expected an inventory", "--inventory FILE"
    return "this is an inventory, expected a runbook", "name the runbook: it names its inventory"


@dataclass(slots=True)
class _Open:
    """A collection that has begun and not ended; ``weight`` counts the nodes within."""

    node: Items | Pairs
    anchor: str | None
    key: Scalar | None = None
    weight: int = 1


@dataclass
class _Builder:
    """Builds nodes from events, so that depth and size are bounded before they cost anything."""

    file: str
    faults: FaultList
    anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)
    stack: list[_Open] = field(default_factory=list)
    root: Node | None = None
    documents: int = 0

    def build(self, text: str) -> Node | None:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.ScalarEvent):
                self._refuse_tag(event)
                self._place(self._scalar(event), event.anchor, 1)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                done = self.stack.pop()
                self._place(done.node, done.anchor, done.weight)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                self._document(event)
        return self.root

    def _mark(self, event: yaml.Event) -> Mark:
        at = event.start_mark
        return Mark(self.file, at.line + 1, at.column + 1) if at else Mark(self.file, 1, 1)

    def _stop(self, mark: Mark, what: str, hint: str = "") -> Unreadable:
        self.faults.add(mark, what, hint)
        return Unreadable(what)

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if self.documents > 1:
            raise self._stop(
                self._mark(event), "a second document begins", "one file, one document"
            )

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        mark = self._mark(event)
        if not event.implicit[0]:
            return Scalar(mark, event.value)
        resolved = resolve(event.value)
        if resolved.trouble:
            self.faults.spoil(mark, resolved.trouble, resolved.hint)
        return Scalar(mark, resolved.value, plain=True)

    def _begin(self, event: yaml.CollectionStartEvent) -> None:
        self._refuse_tag(event)
        mark = self._mark(event)
        if len(self.stack) >= DEPTH:
            raise self._stop(mark, f"nested more than {DEPTH} levels deep")
        node = Pairs(mark, {}, {}) if isinstance(event, yaml.MappingStartEvent) else Items(mark, [])
        if event.anchor:
            self.anchors.pop(event.anchor, None)
        self.stack.append(_Open(node, event.anchor))

    def _alias(self, event: yaml.AliasEvent) -> None:
        mark, name = self._mark(event), event.anchor
        if any(name == opened.anchor for opened in self.stack):
            raise self._stop(mark, f"alias *{name} stands within what it stands for")
        if name not in self.anchors:
            raise self._stop(mark, f"alias *{name} has no anchor &{name} before it")
        node, weight = self.anchors[name]
        self._place(node, None, weight, mark)

    def _refuse_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag is not None and event.tag != "!":
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.faults.spoil(self._mark(event), f"tag {tag} is not allowed", "values need no tags")

    def _place(self, node: Node, anchor: str | None, weight: int, mark: Mark | None = None) -> None:
        if anchor:
            self.anchors[anchor] = (node, weight)
        if not self.stack:
            self.root = node
            return
        holder = self.stack[-1]
        holder.weight += weight
        if holder.weight > SIZE:
            raise self._stop(mark or node.mark, f"aliases make more than {SIZE:,} values of it")
        if isinstance(holder.node, Items):
            holder.node.nodes.append(node)
        elif holder.key is None:
            holder.key = self._key(node)
        else:
            self._pair(holder.node, holder.key, node)
            holder.key = None

    def _key(self, node: Node) -> Scalar:
        if isinstance(node, Scalar) and node.value is not None:
            return node
        raise self._stop(node.mark, "a key is not text", 'quote a template: "{{ ... }}"')

    def _pair(self, pairs: Pairs, key: Scalar, value: Node) -> None:
        name = key.value if isinstance(key.value, str) else str(key.value).lower()
        if name == "<<":
            self.faults.add(key.mark, "merge keys (<<) are not part of YAML 1.2", "write a block")
        elif name in pairs.nodes:
            first = pairs.keys[name]
            self.faults.add(
                key.mark, f"key {name} stands twice, here and in line {first.line}", "keep one"
            )
        else:
            pairs.nodes[name], pairs.keys[name] = value, key.mark


def _say_yaml(name: str, text: str, error: yaml.MarkedYAMLError, faults: FaultList) -> None:
    at = error.problem_mark or error.context_mark
    line, column = (at.line, at.column) if at else (0, 0)
    written = text.splitlines()[line : line + 1]
    indent = written[0][: len(written[0]) - len(written[0].lstrip())] if written else ""
    if "\t" in indent:
        tab = Mark(name, line + 1, indent.index("\t") + 1)
        faults.add(tab, "a tab in the indentation", "indent with spaces")
        return
    problem = (error.problem or "cannot be read").strip()
    around = f" ({error.context.strip()})" if error.context else ""
    faults.add(Mark(name, line + 1, column + 1), f"not YAML: {problem}{around}")

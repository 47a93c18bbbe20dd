"""A figure beside its rival's, and whether it keeps its bar."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """``ours`` and ``rival`` in ``unit``; ``ratio`` is held against ``bar``, if there is one."""

    name: str
    ours: float
    rival: float | None
    ratio: float
    bar: float | None
    unit: str = "ms"
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.bar is None or self.ratio <= self.bar


def rounds(count: int) -> Iterator[int]:
    """So many numbers, each told when its round begins."""
    for number in range(count):
        print(f"  {number + 1} of {count}", file=sys.stderr, flush=True)
        yield number


def against(name: str, ours: float, rival: float, bar: float | None, **more: str) -> Row:
    """Ours beside a rival's, as a ratio."""
    return Row(name, ours, rival, ours / rival, bar, **more)


def within(
    name: str, ours: float, bar: float | None, rival: float | None = None, **more: str
) -> Row:
    """Ours against a limit in its own unit."""
    return Row(name, ours, rival, ours, bar, **more)


def table(rows: Sequence[Row]) -> str:
    head = ("figure", "ours", "rival", "judged", "at most", "")
    body = [
        (
            f"{row.name}{f' ({row.note})' if row.note else ''}",
            f"{row.ours:.3g} {row.unit}",
            f"{row.rival:.3g} {row.unit}" if row.rival is not None else "",
            f"{row.ratio:.3g}",
            f"{row.bar:.3g}" if row.bar is not None else "told only",
            "ok" if row.ok else "MISSED",
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in (head, *body)) for i in range(len(head))]
    lines = [
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in (head, *body)
    ]
    return "\n".join(line.rstrip() for line in lines)


def as_markdown(rows: Sequence[Row]) -> str:
    """The same table for the documentation."""
    lines = ["| figure | ours | beside it | at most | |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        bar = f"{row.bar:.3g}" if row.bar is not None else ""
        is_ratio = row.rival is not None and row.ratio != row.ours
        of = f" {'x' if is_ratio else row.unit}" if bar else ""
        rival = f"{row.rival:.3g} {row.unit}" if row.rival is not None else ""
        kept = "" if row.bar is None else "kept" if row.ok else "**missed**"
        note = f"<br>*{row.note}*" if row.note else ""
        lines.append(
            f"| {row.name}{note} | {row.ours:.3g} {row.unit} | {rival} | {bar}{of} | {kept} |"
        )
    return "\n".join(lines)


def as_json(rows: Sequence[Row]) -> str:
    return json.dumps([{**asdict(row), "ok": row.ok} for row in rows], indent=2)

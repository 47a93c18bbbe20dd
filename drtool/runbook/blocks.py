"""Blocks: each one there, each one used, none using itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from drtool.catalog import nearest
from drtool.model.runbook import Each, Entry, Lost, Parallel, Ramp, Runbook, Sequence, Step, Use
from drtool.runbook.mapping import did_you_mean
from drtool.runbook.marks import FaultList


def check_blocks(runbook: Runbook, faults: FaultList, *, broken: bool) -> Runbook:
    """Note every fault of the blocks; the runbook, with those lost that use each other.

    ``broken`` says that a procedure could not be read. What could not be read may use any block,
    and a misspelt name means the one that is like it.
    """
    uses = {name: uses_in(entries) for name, entries in runbook.blocks.items()}
    roots = [use for way in runbook.procedures.values() for use in uses_in(way.entries)]
    meant: set[str | None] = set()
    for use in [*roots, *(use for inner in uses.values() for use in inner)]:
        if use.block not in uses:
            hint = did_you_mean(use.block, uses) or "blocks stand under blocks:"
            faults.add(use.source, f"unknown block {use.block}", hint)
            meant.add(nearest(use.block, uses))
    blocks = dict(runbook.blocks)
    for circle, source in _circles(uses):
        blocks.update(dict.fromkeys(circle, (Lost(source=source),)))
        faults.add(source, f"blocks use each other: {' -> '.join(circle)}", "break the circle")
    hidden = broken or any(isinstance(one, Lost) and not one.name for one in all_entries(runbook))
    for name in () if hidden else uses.keys() - _reached(roots, uses) - meant:
        faults.add(runbook.sources[f"blocks.{name}"], f"block {name} is never used", "remove it")
    return runbook.model_copy(update={"blocks": blocks})


def inside(entry: Entry) -> tuple[Entry, ...]:
    """The entries that an entry holds."""
    if isinstance(entry, Sequence | Each):
        return entry.entries
    if isinstance(entry, Parallel):
        return entry.branches
    return (*entry.entries, *entry.between) if isinstance(entry, Ramp) else ()


def all_entries(runbook: Runbook) -> Iterator[Entry]:
    """Every entry of a runbook, in blocks and in procedures, once."""
    for entries in runbook.blocks.values():
        yield from _deep(entries)
    for way in runbook.procedures.values():
        yield from _deep(way.entries)


def all_steps(runbook: Runbook) -> Iterator[Step]:
    """Every step of a runbook as it is written, once."""
    return (entry for entry in all_entries(runbook) if isinstance(entry, Step))


def uses_in(entries: Iterable[Entry]) -> list[Use]:
    """Every use of a block within entries."""
    return [entry for entry in _deep(entries) if isinstance(entry, Use)]


def _deep(entries: Iterable[Entry]) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        yield from _deep(inside(entry))


def _reached(roots: list[Use], uses: dict[str, list[Use]]) -> set[str]:
    reached: set[str] = set()
    waiting = [use.block for use in roots]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [use.block for use in uses.get(name, [])]
    return reached


def _circles(uses: dict[str, list[Use]]) -> Iterator[tuple[list[str], str]]:
    """Each circle once, from where it begins in the text, and the use that closes it."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> Iterator[tuple[list[str], str]]:
        for use in uses.get(name, []):
            if use.block in way:
                yield [*way[way.index(use.block) :], use.block], use.source
            elif use.block not in done:
                yield from visit(use.block, [*way, use.block])
        done.add(name)

    for name in uses:
        if name not in done:
            yield from visit(name, [name])

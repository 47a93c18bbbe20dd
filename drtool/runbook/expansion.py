"""Spread a procedure out: blocks, lists, stages and branches become steps that need steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from drtool.errors import BadInput
from drtool.model.purpose import Procedure, StepKind
from drtool.model.runbook import Each, Entry, Lost, Parallel, Ramp, Runbook, Sequence, Step, Use
from drtool.model.value import Fields
from drtool.runbook.mapping import is_name
from drtool.runbook.rendering import RenderContext, render, wrapped

UNKNOWN = "unknown"
Ends = tuple[int, ...]


@dataclass(slots=True)
class Spread:
    """One step as it stands in a procedure.

    ``needs`` are the positions of the steps right before it, ``before`` those of all steps
    upstream, as the bits of a number. ``site`` is set for one of ``others``. ``guessed`` says
    that a binding is not known yet. ``lost`` is what stands here when nothing could be read.
    """

    name: str
    step: Step
    needs: Ends = ()
    before: int = 0
    bindings: Fields = field(default_factory=dict)
    rescues: Ends = ()
    never: str | None = None
    ramped: bool = False
    site: str | None = None
    guessed: bool = False
    lost: Lost | None = None


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where entries stand: their prefix, what is bound, and the ramp or the failure around."""

    prefix: str = ""
    bindings: tuple[tuple[str, JsonValue], ...] = ()
    rescues: Ends = ()
    never: str | None = None
    ramped: bool = False
    guessed: bool = False

    def within(self, part: str, **bound: JsonValue) -> _Scope:
        return replace(
            self,
            prefix=f"{self.prefix}{part}.",
            bindings=(*self.bindings, *bound.items()),
            guessed=self.guessed or UNKNOWN in bound.values(),
        )


class Expansion:
    """Spreads the procedures of one runbook.

    ``values`` are the names that templates may use before any step has run. ``others`` are the
    sites that are neither left nor taking over; None while the direction is not known.
    """

    def __init__(
        self,
        runbook: Runbook,
        values: Mapping[str, object],
        others: tuple[str, ...] | None = None,
    ) -> None:
        self._runbook, self._values, self._others = runbook, values, others
        self._steps: list[Spread] = []

    def spread(self, procedure: Procedure) -> list[Spread]:
        """The procedure's steps, each after those it needs.

        Raises BadInput when a list cannot be known. A block that is not there is lost; none may
        use itself.
        """
        self._steps = []
        self._entries(self._runbook.way(procedure).entries, _Scope(), ())
        return self._steps

    def _entries(self, entries: tuple[Entry, ...], scope: _Scope, ends: Ends) -> Ends:
        for entry in entries:
            ends = self._entry(entry, scope, ends)
        return ends

    def _entry(self, entry: Entry, scope: _Scope, ends: Ends) -> Ends:
        if isinstance(entry, Step):
            return self._step(entry, scope, ends)
        if isinstance(entry, Use):
            inner = scope.within(entry.prefix) if entry.prefix else scope
            lost = (Lost(source=entry.source),)
            return self._entries(self._runbook.blocks.get(entry.block, lost), inner, ends)
        if isinstance(entry, Lost):
            return self._lost(entry, scope, ends)
        if isinstance(entry, Sequence):
            return self._entries(entry.entries, scope, ends)
        if isinstance(entry, Parallel):
            return _joined(self._entry(branch, scope, ends) for branch in entry.branches)
        return (
            self._each(entry, scope, ends)
            if isinstance(entry, Each)
            else self._ramp(entry, scope, ends)
        )

    def _lost(self, lost: Lost, scope: _Scope, ends: Ends) -> Ends:
        step = Step(name=lost.name or UNKNOWN, kind=StepKind.ACTION, uses="", source=lost.source)
        position = self._append(step, scope, ends, scope.prefix + step.name, None)
        self._steps[position].lost = lost
        return (position,)

    def _step(self, step: Step, scope: _Scope, ends: Ends) -> Ends:
        if self._others is None or step.at is None or step.at.split(".")[0] != "others":
            return (self._append(step, scope, ends, scope.prefix + step.name, None),)
        made = tuple(
            self._append(step, scope, ends, f"{scope.prefix}{site}.{step.name}", site)
            for site in self._others
        )
        return made or ends

    def _append(self, step: Step, scope: _Scope, ends: Ends, name: str, site: str | None) -> int:
        before = 0
        for end in ends:
            before |= self._steps[end].before | 1 << end
        self._steps.append(
            Spread(
                name=name,
                step=step,
                needs=ends,
                before=before,
                bindings=dict(scope.bindings),
                rescues=scope.rescues,
                never=scope.never,
                ramped=scope.ramped,
                site=site,
                guessed=scope.guessed,
            )
        )
        return len(self._steps) - 1

    def _each(self, each: Each, scope: _Scope, ends: Ends) -> Ends:
        items = self._known(each.items, scope, each.source, f"each {each.variable}")
        lanes: list[Ends] = []
        for position, item in enumerate(items):
            part = str(item) if is_name(str(item)) else f"{each.variable}_{position + 1}"
            begin = ends if position < each.pace else lanes[position - each.pace]
            inner = scope.within(part, **{each.variable: item})
            lanes.append(self._entries(each.entries, inner, begin))
        return _joined(lanes[-each.pace :]) or ends

    def _ramp(self, ramp: Ramp, scope: _Scope, ends: Ends) -> Ends:
        stages = self._known(ramp.through, scope, ramp.source, f"ramp {ramp.variable}")
        good = ramp.start
        for position, value in enumerate(stages):
            part = f"{ramp.variable}_{value}"
            part = part if is_name(part) else f"{ramp.variable}_{position + 1}"
            inner = scope.within(part, **{ramp.variable: value})
            stage = replace(inner, never=ramp.never, ramped=True)
            first, begin = len(self._steps), ends
            ends = self._entries(ramp.entries, stage, ends)
            ends = self._entries(ramp.between, stage, ends)
            if good is not None:
                self._back(ramp, good, inner, begin, tuple(range(first, len(self._steps))))
            good = value
        return ends

    def _back(self, ramp: Ramp, good: JsonValue, stage: _Scope, begin: Ends, failed: Ends) -> None:
        """The way back to the last good value, for when one of the stage's steps fails."""
        inner = stage.within("back", **{ramp.variable: good})
        scope = replace(inner, rescues=failed, never=None, ramped=True)
        self._entries(ramp.entries, scope, begin)

    def _known(
        self, items: tuple[JsonValue, ...] | str, scope: _Scope, source: str, what: str
    ) -> tuple[JsonValue, ...]:
        if not isinstance(items, str):
            return items
        bound = {name: wrapped(value) for name, value in scope.bindings}
        context = RenderContext(f"{source}: {what}", {**self._values, **bound})
        try:
            found = render({"in": items}, context)["in"]
        except BadInput:
            if self._others is None:
                return (UNKNOWN,)
            raise
        if isinstance(found, list):
            return tuple(found)
        raise BadInput(f"{source}: {what}", f"{items} gives {found!r}", "a list")


def _joined(many: Iterable[Ends]) -> Ends:
    ends: dict[int, None] = {}
    for some in many:
        ends.update(dict.fromkeys(some))
    return tuple(ends)

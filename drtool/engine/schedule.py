"""Which steps may start: a pure bookkeeping of needs, constant work for each edge."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from drtool.model.plan import PlanStep
from drtool.model.purpose import StepKind


class Schedule:
    """Gives out each step of a plan at most once, when all that it needs has ended well.

    A notice holds nobody up: what needs it may start as soon as it was given out. A step that
    ``rescues`` others is given out when one of them has failed, none of them is out any more and
    what it needs has ended well, and is not needed when all of them ended well. Invariant: a
    step is in exactly one of waiting, ready, out and over.
    """

    def __init__(self, steps: Iterable[PlanStep]) -> None:
        self._steps = {step.name: step for step in steps}
        self._left = {name: len(set(step.needs)) for name, step in self._steps.items()}
        self._dependents: dict[str, list[str]] = {name: [] for name in self._steps}
        self._rescuers: dict[str, list[str]] = {name: [] for name in self._steps}
        self._ready: deque[str] = deque()
        self._rescues: deque[str] = deque()
        self._unneeded: deque[str] = deque()
        self._out: set[str] = set()
        self._over: set[str] = set()
        self._satisfied: set[str] = set()
        self._called: set[str] = set()
        for name, step in self._steps.items():
            for need in set(step.needs):
                self._dependents[need].append(name)
            for rescued in step.rescues:
                self._rescuers[rescued].append(name)
            if not step.rescues and not self._left[name]:
                self._ready.append(name)

    def take_ready(self, at_most: int) -> list[PlanStep]:
        """The steps that may start now; they count as out from here on."""
        return self._take(self._ready, at_most)

    def take_rescues(self, at_most: int) -> list[PlanStep]:
        """The steps that may start because one they rescue has failed and none of those runs."""
        settled, unsettled = deque[str](), deque[str]()
        for name in dict.fromkeys(self._rescues):
            (settled if self._is_settled(name) else unsettled).append(name)
        taken = self._take(settled, at_most)
        self._rescues = settled + unsettled
        return taken

    def take_unneeded(self) -> list[PlanStep]:
        """The rescuing steps that nobody needs any more; they count as out from here on."""
        return self._take(self._unneeded, len(self._unneeded))

    def take(self, name: str) -> PlanStep:
        """One step, whatever it waits for: a run that is resumed has started it before."""
        self._out.add(name)
        self._satisfy_if_notice(self._steps[name])
        return self._steps[name]

    def ended(self, name: str, *, well: bool) -> None:
        """A step has ended; said twice it counts once."""
        if name in self._over:
            return
        self._over.add(name)
        self._out.discard(name)
        if well:
            self._satisfy(name)
        for rescuer in self._rescuers[name]:
            self._judge_rescue(rescuer, well=well)

    @property
    def more(self) -> bool:
        """Whether a step is ready to be given out."""
        return bool(self._ready or self._rescues or self._unneeded)

    @property
    def rescuing(self) -> bool:
        """Whether a step is ready because another has failed."""
        return bool(self._rescues)

    @property
    def out(self) -> frozenset[str]:
        """The names of the steps that were given out and have not ended."""
        return frozenset(self._out)

    def _take(self, names: deque[str], at_most: int) -> list[PlanStep]:
        taken: list[PlanStep] = []
        while names and len(taken) < at_most:
            name = names.popleft()
            if name in self._out or name in self._over:
                continue
            self._out.add(name)
            taken.append(self._steps[name])
            self._satisfy_if_notice(self._steps[name])
        return taken

    def _satisfy_if_notice(self, step: PlanStep) -> None:
        if step.kind is StepKind.NOTICE:
            self._satisfy(step.name)

    def _satisfy(self, name: str) -> None:
        if name in self._satisfied:
            return
        self._satisfied.add(name)
        for dependent in self._dependents[name]:
            self._left[dependent] -= 1
            if self._left[dependent]:
                continue
            if not self._steps[dependent].rescues:
                self._ready.append(dependent)
            elif dependent in self._called:
                self._rescues.append(dependent)

    def _is_settled(self, rescuer: str) -> bool:
        """Whether nothing that it takes back can still land, a smaller way back included."""
        return not any(
            (name in self._out and self._steps[name].kind is not StepKind.NOTICE)
            or (name in self._rescues and name not in self._over)
            for name in self._steps[rescuer].rescues
        )

    def _judge_rescue(self, rescuer: str, *, well: bool) -> None:
        if rescuer in self._over or rescuer in self._out:
            return
        if not well:
            self._called.add(rescuer)
            if not self._left[rescuer]:
                self._rescues.append(rescuer)
        elif all(name in self._satisfied for name in self._steps[rescuer].rescues):
            self._unneeded.append(rescuer)

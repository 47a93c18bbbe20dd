"""Engines that are broken on purpose: one for each promise, and each breaks just that one.

As a pytest plugin (``-p mutants``) it breaks the engine that ``DRTOOL_TEST_MUTANT`` names.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from drtool.actions.dns.redirect import Redirect
from drtool.actions.postgresql import promote
from drtool.actions.postgresql.data_loss import CheckDataLoss
from drtool.actions.postgresql.demote import Demotion
from drtool.actions.postgresql.fence import Fence
from drtool.engine import attempt, ending, scheduler
from drtool.engine.attempt import Attempt
from drtool.engine.context import RunContext
from drtool.engine.recorder import Audience, Recorder
from drtool.journal import opening
from drtool.journal.reading import head_of
from drtool.model.event import Body, Event, StepIntent
from drtool.model.place import Direction
from drtool.model.purpose import Mode, Procedure
from drtool.model.verdict import Verdict
from drtool.redact import Redactor
from drtool.runbook import direction
from drtool.runbook.marks import FaultList

Patch = pytest.MonkeyPatch
Mutant = Callable[[Patch], None]


def no_intent(patch: Patch) -> None:
    """1: an effect is made that nobody has written down."""
    write = Attempt.write

    def without(self: Attempt, *bodies: Body) -> None:
        write(self, *(body for body in bodies if not isinstance(body, StepIntent)))

    patch.setattr(Attempt, "write", without)


def forgets_who_took_over(patch: Patch) -> None:
    """2: a run that is taken up after its promotion does not go on."""
    patch.setattr(Demotion, "taken_over", False)


def tells_first(patch: Patch) -> None:
    """3: what is told is written afterwards."""
    write = Recorder.write

    def early(self: Recorder, *bodies: Body) -> None:
        first = self._folder.last.seq + 1 if self._folder.last else 1
        for number, body in enumerate(bodies):
            event = Event(run=self.run, seq=first + number, at=self.now(), body=body)
            for listener in self._audience._listeners:
                listener.hear(event)
        write(self, *bodies)

    patch.setattr(Recorder, "write", early)


def no_fence(patch: Patch) -> None:
    """4: a promotion needs no proof, and asks nobody."""
    patch.setattr(Fence, "changes", lambda *_: [])
    patch.setattr(promote, "reason_not_proven", lambda *_: None)
    patch.setattr(promote, "reason_alive", lambda *_: None)


def no_lease(patch: Patch) -> None:
    """5: nobody asks whether the lease is still held."""
    patch.setattr(RunContext, "check_lease", lambda *_: None)


def any_loss(patch: Patch) -> None:
    """6: no loss is too much."""
    patch.setattr(promote, "reason_too_lossy", lambda *_: None)
    patch.setattr(CheckDataLoss, "judge", lambda *_: None)


def any_value(patch: Patch) -> None:
    """7: a name is changed whatever it says."""
    patch.setattr(Redirect, "reason_not_to_apply", lambda *_: None)


def waits_for_listeners(patch: Patch) -> None:
    """8: whoever is told can stop the run."""

    def tell(self: Audience, events: Any) -> None:
        for event in events:
            for listener in self._listeners:
                listener.hear(event)

    patch.setattr(Audience, "tell", tell)


def no_deadline(patch: Patch) -> None:
    """9: a step has all the time there is."""
    patch.setattr(Attempt, "seconds_left", 1e9)
    patch.setattr(scheduler, "overdue", lambda *_: ())


def dry_hands(patch: Patch) -> None:
    """10: a dry-run has the means to change the world."""
    patch.setattr(Mode, "changes_the_world", property(lambda _: True))


def in_production(patch: Patch) -> None:
    """11: a rehearsal may act where customers are."""
    choosers: Any = vars(direction)["_CHOOSERS"]
    anywhere = Direction(to_site="east")
    patch.setitem(choosers, Procedure.REHEARSAL, lambda *_: anywhere)


def no_consent(patch: Patch) -> None:
    """12: the gate is open, and what was never shown is approved."""
    patch.setattr(scheduler, "gate_is_open", lambda _: True)
    patch.setattr(attempt, "not_shown", lambda *_: ())


def no_anchor(patch: Patch) -> None:
    """13: nobody compares the anchor."""
    patch.setattr(opening, "_believe", lambda _, connection, *__: head_of(connection))


def no_masks(patch: Patch) -> None:
    """14: secrets are written as they are."""
    patch.setattr(Redactor, "clean", lambda _, text: text)


def swallows_faults(patch: Patch) -> None:
    """15: what is wrong in a document is not said."""
    patch.setattr(FaultList, "raise_any", lambda _: None)


def says_met(patch: Patch) -> None:
    """16: every objective is met, whatever the world says."""
    judge: Any = vars(ending)["judge"]

    def flatter(*asked: Any) -> tuple[Verdict, ...]:
        return tuple(one.model_copy(update={"met": True}) for one in judge(*asked))

    patch.setattr(ending, "judge", flatter)


MUTANTS: dict[str, Mutant] = {
    made.__name__: made
    for made in (
        no_intent, forgets_who_took_over, tells_first, no_fence, no_lease, any_loss, any_value,
        waits_for_listeners, no_deadline, dry_hands, in_production, no_consent, no_anchor,
        no_masks, swallows_faults, says_met,
    )
}  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    name = os.environ.get("DRTOOL_TEST_MUTANT", "")
    if name:
        patch = pytest.MonkeyPatch()
        MUTANTS[name](patch)
        config.add_cleanup(patch.undo)

"""Take up a run whose engine ended before the run did."""

from __future__ import annotations

import gc
from dataclasses import dataclass, replace
from pathlib import Path

from drtool.action import Facts
from drtool.bootstrap import App, build
from drtool.engine.ending import ending
from drtool.engine.ports import Resumption
from drtool.engine.run import Engine
from drtool.errors import BadInput
from drtool.journal.alone import carry_alone
from drtool.journal.store import Journal
from drtool.model.event import Body, Event, Instant, Request, RunStarted, Warned
from drtool.model.pulse import Living
from drtool.progress.life import life_sentence
from drtool.progress.run_state import RunState
from drtool.progress.state import Folder, fold
from drtool.verbs.drift import drift, gap, refuse_masked, refuse_other_version
from drtool.verbs.heirs import stand_by
from drtool.verbs.launch import Launched, Tell, launch
from drtool.verbs.notices import listeners
from drtool.verbs.records import engine_life, find
from drtool.verbs.request import requester
from drtool.verbs.serve import Ready, carrier, execute, inventory_now, lease_for, ports


def resume(said: str) -> Launched:
    """Start an engine for the run's stored plan; the runbook's file is not read again.

    Raises BadInput when the run has ended or its engine lives.
    """
    app = build()
    run = find(said, app)
    known = _read(run, app)
    state = known.folder.state
    _must_go_on(state)
    refuse_other_version(state)
    refuse_masked(state)
    life = engine_life(run, app)
    if life is not None and life.word is Living.HUNG:
        raise BadInput(f"run {run}", life_sentence(life, run), hint=f"kill -9 {life.pid}")
    if life is not None and life.well:
        raise BadInput(
            f"run {run}", f"its engine lives, process {life.pid}", hint=f"drtool attach {run}"
        )
    if state.escalation is not None and _has_begun(state.escalation.heir, app):
        return _end_for_heir(run, state.escalation.heir, app)
    return launch(
        lambda tell: take_up(run, app, tell, known=known),
        app.logs / f"{run}.log",
        redactor=app.redactor,
    )


def _must_go_on(state: RunState) -> None:
    if state.ended is not None:
        raise BadInput(f"run {state.run}", "has ended", hint=f"drtool explain {state.run}")


@dataclass
class Known:
    """What a run's journal held a moment ago, and what it adds up to."""

    events: list[Event]
    folder: Folder

    def bring_up(self, journal: Journal, run: str) -> None:
        """Read what has been written since."""
        for event in journal.events(run, len(self.events)):
            self.events.append(event)
            self.folder.apply(event)


def _read(run: str, app: App) -> Known:
    """Read a run's events, and fold them."""
    gc.disable()  # ten thousand events stay; to look for garbage among them takes as long again
    try:
        known = Known([], Folder())
        journal = app.records()
        known.bring_up(journal, run)
        journal.close()
        gc.freeze()
        return known
    finally:
        gc.enable()


def take_up(
    run: str,
    app: App,
    tell: Tell,
    *,
    asked: tuple[Body, ...] = (),
    escalate: Request | None = None,
    known: Known | None = None,
) -> int:
    """Be the engine of a run that another engine left, from its stored plan to its exit code.

    ``asked`` is what a person wants of it besides; ``escalate`` that it is handed over. ``known``
    is what was read before the engine's process was made.
    """
    journal = app.journal()
    known = known or Known([], Folder())
    alone = carry_alone(app.home, run)
    known.bring_up(journal, run)  # all that an engine wrote until it let the run go
    events, state = known.events, known.folder.state
    _must_go_on(state)
    if escalate is None and state.escalation is not None:
        said = state.escalation
        escalate = Request(run=run, verb="escalate", by=said.by, at=app.clock.wall())
    inventory, directory = state.plan.inventory, Path(state.plan.inventory_source).parent
    followers = listeners(app, inventory, directory, run, state.mode, known=events)
    connections = app.connections(inventory, directory, run)
    executor, _ = carrier(state.engine, state.mode, app)
    facts = _facts(state, events[0].body, run)
    stopped = state.fence_began is not None or escalate is not None
    lease = lease_for(facts, connections, journal, requester(), from_stopped=stopped)
    now = inventory_now(state.plan)
    ready = Ready(app, journal, connections, lease, executor, state.mode, followers, now, alone)
    made = ports(ready)
    if escalate is not None:
        heir = stand_by(ready, escalate, state.escalation)
        asked = (*asked, *(() if state.escalation else (heir.asked,)))
        made = replace(made, heir=heir)
    changed = drift(state)
    warned = _warned(changed, gap(events, Instant.now(app.clock)))
    resumption = Resumption(tuple(events), requester(), changed, (*warned, *asked))
    launched = Launched(run=run, warnings=tuple(one.text for one in warned))
    return execute(Engine(resumption, made), ready, lambda: tell(launched))


def _has_begun(run: str, app: App) -> bool:
    journal = app.records()
    try:
        return bool(journal.events(run))
    finally:
        journal.close()


def _end_for_heir(run: str, heir: str, app: App) -> Launched:
    """Write the end of a run whose heir has begun: nothing else is left to do for it."""
    journal = app.journal()
    try:
        events = journal.events(run)
        journal.append(run, ending(fold(events)), after=events[-1].seq)
    finally:
        journal.close()
    return Launched(run=heir, warnings=(f"run {run} was handed over to run {heir}",))


def _facts(state: RunState, begun: object, run: str) -> Facts:
    return Facts(
        run=run,
        mode=state.mode,
        procedure=state.plan.procedure,
        service=state.plan.service,
        inventory=state.plan.inventory,
        direction=state.plan.direction,
        objectives=state.plan.objectives,
        started=state.started.wall,
        outage_start=state.outage_start,
        accepted_loss=begun.accepted_loss if isinstance(begun, RunStarted) else None,
    )


def _warned(changed: str, passed: str) -> tuple[Warned, ...]:
    """What whoever reads the run should know of how it was taken up."""
    told = {"drift": changed, "gap": passed}
    return tuple(Warned(about=about, text=text) for about, text in told.items() if text)

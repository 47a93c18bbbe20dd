"""Take up a run whose engine ended before the run did."""

from __future__ import annotations

from pathlib import Path

from drtool import __version__
from drtool.action import Facts
from drtool.bootstrap import App, build
from drtool.engine.run import Engine
from drtool.errors import BadInput
from drtool.model.event import RunStarted
from drtool.model.pulse import Living
from drtool.progress.life import life_sentence
from drtool.progress.run_state import RunState
from drtool.progress.state import fold
from drtool.verbs.launch import Launched, Tell, launch
from drtool.verbs.notices import listeners
from drtool.verbs.records import engine_life, find, state_of
from drtool.verbs.request import requester
from drtool.verbs.serve import Ready, carrier, execute, lease_for, ports


def resume(said: str) -> Launched:
    """Start an engine for the run's stored plan; the runbook's file is not read again.

    Raises BadInput when the run has ended or its engine lives.
    """
    app = build()
    run = find(said, app)
    state = state_of(run, app)[1]
    if state.ended is not None:
        raise BadInput(f"run {run}", "has ended", hint=f"drtool explain {run}")
    life = engine_life(run, app)
    if life is not None and life.word is Living.HUNG:
        raise BadInput(f"run {run}", life_sentence(life, run), hint=f"kill -9 {life.pid}")
    if life is not None and life.well:
        raise BadInput(f"run {run}", "its engine lives", hint=f"drtool attach {run}")
    return launch(lambda tell: _serve_again(run, app, tell), app.logs / f"{run}.log")


def _serve_again(run: str, app: App, tell: Tell) -> int:
    journal = app.journal()
    events = journal.events(run)
    state = fold(events)
    inventory, directory = state.plan.inventory, Path(state.plan.inventory_source).parent
    followers = listeners(app, inventory, directory, run, state.mode, known=events)
    connections = app.connections(inventory, directory, run)
    executor, _ = carrier(state.engine, state.mode, app)
    facts = _facts(state, events[0].body, run)
    stopped = state.fence_began is not None
    lease = lease_for(facts, connections, journal, requester(), from_stopped=stopped)
    ready = Ready(app, journal, connections, lease, executor, state.mode, followers)
    engine = Engine.resume(events, ports(ready), requester(), _drift(state))
    tell(Launched(run=run))
    return execute(engine, ready)


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


def _drift(state: RunState) -> str:
    """What has changed since the run began, as a sentence; the stored plan is used all the same."""
    if state.version != __version__:
        return f"drtool was {state.version} when the run began and is {__version__} now"
    source = Path(state.plan.source)
    if source.exists() and source.stat().st_mtime > state.started.wall.timestamp():
        return f"{source} was edited since the run began; the stored plan is used"
    return ""

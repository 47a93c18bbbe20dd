"""What the journal tells of runs and services."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from drtool.bootstrap import App, build
from drtool.errors import BadInput
from drtool.journal.home import journal_path
from drtool.journal.store import Journal
from drtool.journal.summary import RunSummary
from drtool.model.change import Change
from drtool.model.event import Via, World
from drtool.model.pulse import Life, Living
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose
from drtool.model.value import Value
from drtool.progress.approvals import so_far
from drtool.progress.commands import start
from drtool.progress.explain import Explanation, explain
from drtool.progress.protection import protection_in_doubt, unprotected
from drtool.progress.run_state import Consent, RunState, StepState
from drtool.progress.state import fold
from drtool.progress.words import why_steered
from drtool.units import Duration
from drtool.verbs.life import to_the_last_word, with_lives

_SETTLING = {Procedure.FAILOVER, Procedure.SWITCHOVER, Procedure.FAILBACK, Procedure.REPROTECT}
_MOVED = {World.PROMOTED, World.REDIRECTED, World.RECOVERED}


class Runs(Value):
    """The runs of the journal, newest first."""

    runs: tuple[RunSummary, ...]


class ServiceStanding(Value):
    """What the runs left of a service.

    ``unprotected_since`` is when it last lost its standby, ``reprotect`` what brings one back.
    ``doubtful`` is the run after which it is not known whether it has one: it may be unprotected.
    ``frozen`` says who froze it, since when and why, and ``thaw`` is what ends that.
    """

    service: str
    last: RunSummary
    unprotected_since: datetime | None = None
    reprotect: str = ""
    doubtful: str = ""
    frozen: str = ""
    thaw: str = ""


class Services(Value):
    """All services that the journal knows."""

    services: tuple[ServiceStanding, ...]


class StepLine(Value):
    """One step, for lists."""

    name: str
    purpose: Purpose
    outcome: Outcome
    via: Via | None
    seconds: float
    budget: Duration | None
    reason: str = ""


class Waiting(Value):
    """A question that a run waits on; ``approved`` are those of whom it needs several.

    ``standing`` is how far it has come, in words.
    """

    step: str
    what: str
    of: str
    text: str
    changes: tuple[Change, ...]
    expires: datetime | None
    needs: int = 1
    approved: tuple[str, ...] = ()
    standing: str = ""


class RunStatus(Value):
    """How a run stands, and whether its engine still lives.

    ``steered`` is why it does not simply go on, ``goes_on_with`` the command that ends a pause.
    ``heir`` is the failover that took it over, ``escalates`` the run that it took over itself.
    """

    run: str
    service: str
    procedure: Procedure
    mode: Mode
    outcome: Outcome
    world: World
    engine_alive: bool
    life: Life | None = None
    exit_code: int | None
    waiting: tuple[Waiting, ...]
    steps: tuple[StepLine, ...]
    warnings: tuple[str, ...]
    steered: str = ""
    goes_on_with: str = ""
    heir: str = ""
    escalates: str | None = None
    break_glass: tuple[str, ...] = ()


def records(app: App) -> Journal:
    """The journal, to read; raises BadInput while there has been no run yet."""
    if not journal_path(app.home).exists():
        raise BadInput("journal", f"there is none in {app.home}: no run has been started yet")
    return app.records()


def find(said: str, app: App | None = None) -> str:
    """The run whose id begins as said. Raises BadInput otherwise.

    ``last`` is the newest; one that changes the world and has not ended comes before all others.
    """
    journal = records(app or build())
    known = journal.runs()
    under_way = open_runs(journal.summaries()) if said == "last" else []
    journal.close()
    if said == "last" and known:
        return under_way[0].run if under_way else known[0]
    matching = [run for run in known if run.startswith(said)]
    if said in known or len(matching) == 1:
        return said if said in known else matching[0]
    found = f"{len(matching)} runs begin so" if matching else "there is no such run"
    raise BadInput(f"run {said}", found, hint="drtool runs")


def open_runs(newest_first: Iterable[RunSummary]) -> list[RunSummary]:
    """The runs that change the world and have not ended, but where a later one settled that.

    That is one which moved the service or gave it a standby; a rehearsal acts on a copy.
    """
    settled: set[str] = set()
    found = []
    for one in newest_first:
        if not one.mode.changes_the_world or one.service in settled:
            continue
        if one.ended is None:
            found.append(one)
        elif one.world in _MOVED and one.procedure in _SETTLING:
            settled.add(one.service)
    return found


def state_of(said: str, app: App) -> tuple[str, RunState]:
    """A run's id and its state."""
    run = find(said, app)
    journal = records(app)
    state = fold(journal.events(run))
    journal.close()
    return run, state


def list_runs(app: App | None = None) -> Runs:
    """All runs, newest first; none when there is no journal yet."""
    app = app or build()
    try:
        journal = records(app)
    except BadInput:
        return Runs(runs=())
    found = journal.summaries()
    journal.close()
    return Runs(runs=with_lives(found, app))


def services(app: App | None = None) -> Services:
    """What the runs left of each service."""
    app = app or build()
    by_service: dict[str, list[RunSummary]] = {}
    for summary in list_runs(app).runs:
        if summary.mode.changes_the_world:
            by_service.setdefault(summary.service, []).append(summary)
    return Services(
        services=tuple(_standing(name, runs, app) for name, runs in sorted(by_service.items()))
    )


def _standing(service: str, newest_first: list[RunSummary], app: App) -> ServiceStanding:
    """When the service last lost its standby without getting one back, and what brings it back.

    A run that leaves it in doubt whether there is one settles nothing: if no older run says more,
    the service counts as unprotected since then.
    """
    last, doubt = next(iter(open_runs(newest_first)), newest_first[0]), None
    for summary in newest_first:
        rehearsed = summary.procedure is Procedure.REHEARSAL
        if summary.ended is None or rehearsed or summary.world is World.UNTOUCHED:
            continue
        state = state_of(summary.run, app)[1]
        if unprotected(state):
            return _bare(last, state, summary.ended.wall)
        if protection_in_doubt(state):
            doubt = doubt or _bare(last, state, summary.ended.wall, doubtful=summary.run)
        elif summary.world in _MOVED and _settles(state):
            break
    return doubt or ServiceStanding(service=service, last=last)


def _settles(state: RunState) -> bool:
    """Whether what a run left of the standby makes older runs count no more."""
    return bool(state.takeover) or state.plan.procedure is Procedure.REPROTECT


def _bare(
    last: RunSummary, state: RunState, since: datetime, *, doubtful: str = ""
) -> ServiceStanding:
    """A service that a run has left without a standby, or maybe without one."""
    known = not doubtful or state.plan.procedure is Procedure.REPROTECT
    return ServiceStanding(
        service=state.plan.service,
        last=last,
        unprotected_since=since,
        reprotect=start(state, Procedure.REPROTECT, state.plan.direction) if known else "",
        doubtful=doubtful,
    )


def run_status(said: str) -> RunStatus:
    """How a run stands."""
    app = build()
    run, state = state_of(said, app)
    life = engine_life(run, app)
    living = life is not None and life.word is not Living.GONE
    return RunStatus(
        run=run,
        service=state.plan.service,
        procedure=state.plan.procedure,
        mode=state.mode,
        outcome=_outcome(state, living=living),
        world=state.world if living else state.world_if_stopped,
        engine_alive=living,
        life=life,
        exit_code=state.ended.exit_code if state.ended else None,
        waiting=tuple(
            _waiting(consent, state) for consent in state.waiting_for if state.ended is None
        ),
        steps=tuple(_line(step) for step in state.steps),
        warnings=tuple(warned.text for warned in state.warnings),
        break_glass=state.glass_broken,
        steered=why_steered(state) if state.ended is None else "",
        goes_on_with=f"drtool continue {run}" if living and state.paused else "",
        heir=state.ended.heir if state.ended else "",
        escalates=state.escalates,
    )


def _outcome(state: RunState, *, living: bool) -> Outcome:
    if state.ended is not None:
        return state.ended.outcome
    if not living:
        return Outcome.IN_DOUBT
    return Outcome.WAITING if state.waiting_for or state.paused else Outcome.RUNNING


def _waiting(consent: Consent, state: RunState) -> Waiting:
    asked = consent.asked
    return Waiting(
        step=asked.step,
        what=asked.what,
        of=asked.of,
        text=asked.text,
        changes=asked.changes,
        expires=asked.expires,
        needs=asked.needs,
        approved=tuple(one.by for one in consent.approvals),
        standing=so_far(consent, state),
    )


def _line(step: StepState) -> StepLine:
    return StepLine(
        name=step.name,
        purpose=step.purpose,
        outcome=step.outcome,
        via=step.via,
        seconds=step.seconds,
        budget=step.plan.budget,
        reason=step.reason,
    )


def engine_lives(run: str, app: App) -> bool:
    """Whether the run's engine runs on this machine now."""
    life = engine_life(run, app)
    return life is not None and life.word is not Living.GONE


def engine_life(run: str, app: App) -> Life | None:
    """How the run's engine is; None when the run has ended."""
    journal = records(app)
    found = [one for one in journal.summaries() if one.run == run]
    journal.close()
    life = with_lives(found, app)[0].life if found else None
    gone = life is not None and life.word is Living.GONE
    return to_the_last_word(life, run, app) if life and gone else life


def explanation(said: str) -> Explanation:
    """The screen for three in the morning."""
    app = build()
    run, state = state_of(said, app)
    made = explain(state, alive=False, life=engine_life(run, app))
    return made.model_copy(update={"later": _later(state, app)})


def _later(state: RunState, app: App) -> str:
    """What has begun on the service since a run began: what that run left is not what is."""
    if not state.mode.changes_the_world:
        return ""
    journal = records(app)
    newest = next(
        one
        for one in journal.summaries()
        if one.run == state.run
        or (one.service == state.plan.service and one.mode.changes_the_world)
    )
    journal.close()
    if newest.run in {state.run, state.ended.heir if state.ended else ""}:
        return ""
    how = f": {newest.outcome.value}" if newest.outcome else ", which has not ended"
    return (
        f"This is how run {state.run} left it. Since then there was {newest.procedure.value} "
        f"{newest.run}{how}; for how things stand now: drtool explain {newest.run}"
    )

"""The first message of a run's thread: where it stands now, for somebody who just woke up."""

from __future__ import annotations

from collections.abc import Iterator

from drtool.model.event import Instant, RunEnded, World
from drtool.model.plan import Plan
from drtool.model.pulse import Life, Living
from drtool.model.purpose import Mode, Outcome
from drtool.notify.card import Card, Command, Facts, Part, Small, Text, Tone
from drtool.notify.question import asked_of, question
from drtool.notify.stages import Stage, stages
from drtool.progress.explain import Option, explain
from drtool.progress.forecast import Forecast, forecast
from drtool.progress.moments import seconds_between
from drtool.progress.protection import unprotected
from drtool.progress.run_state import RunState
from drtool.progress.words import stands_steered, why_steered
from drtool.units import Duration, seconds_text

BAR = 20
SHOWN = 9
_SIGNS = {
    Outcome.SUCCEEDED: ":white_check_mark:",
    Outcome.SKIPPED: ":heavy_minus_sign:",
    Outcome.PENDING: ":white_small_square:",
    Outcome.RUNNING: ":arrow_forward:",
    Outcome.WAITING: ":raised_hand:",
}
_BAD = ":x:"


def heading(plan: Plan, mode: Mode) -> str:
    """Which service, and what is done with it; a run that is not live says so first."""
    sites = (plan.direction.from_site, plan.direction.to_site)
    way = " to ".join(site for site in sites if site)
    kind = "" if mode is Mode.LIVE else f"{mode.value.upper()} "
    return f"{kind}{plan.service}: {plan.procedure.value} {way}".rstrip()


def board(state: RunState, now: Instant, *, alive: bool = True, life: Life | None = None) -> Card:
    """A run at this moment; ``alive`` is False when its engine is gone, ``life`` says more."""
    life = life or Life(word=Living.LIVES if alive else Living.GONE)
    title = f"{heading(state.plan, state.mode)}, {standing(state, life)}"
    parts = (
        _ended(state)
        if state.ended
        else _going(state, now)
        if life.well
        else _not_moving(state, life)
    )
    foot = _foot(state, now, alive=life.word is not Living.GONE)
    return Card(title, tone(state, well=life.well), (*parts, *foot))


def standing(state: RunState, life: Life | None = None) -> str:
    """How a run stands, in a few words."""
    if state.ended is not None:
        return ", ".join(dict.fromkeys(_ended_how(state.ended, state)))
    if life is not None and not life.well:
        return "INTERRUPTED" if life.word is Living.GONE else "its engine DOES NOT MOVE"
    if state.abort is not None:
        return "aborting"
    if stands_steered(state):
        return stands_steered(state)
    if state.waiting_for:
        return f"waiting for {asked_of(state.waiting_for[0].asked)}"
    under_way = [one.name for one in stages(state) if one.outcome is Outcome.RUNNING]
    return f"{under_way[-1]} under way" if under_way else "under way"


def _ended_how(ended: RunEnded, state: RunState) -> Iterator[str]:
    """The outcome, unless it is success, and what that leaves."""
    loud = ended.world in {World.FENCED, World.IN_DOUBT}
    if ended.outcome is not Outcome.SUCCEEDED or not state.mode.changes_the_world:
        yield ended.outcome.value.upper() if loud else ended.outcome.value
    if state.mode.changes_the_world:
        yield ended.world.value.upper() if loud else ended.world.value
    if ended.exit_code == 6:
        missed = any(each.met is False for each in ended.verdicts)
        yield "an OBJECTIVE MISSED" if missed else "an objective not measured"
    if unprotected(state):
        yield "UNPROTECTED"


def tone(state: RunState, *, well: bool = True) -> Tone:
    """How a run looks at first sight; good only when nothing was missed and nothing is owed."""
    if state.ended is not None:
        if state.ended.exit_code == 0:
            return Tone.WARNING if unprotected(state) else Tone.GOOD
        return Tone.WARNING if state.ended.exit_code == 6 else Tone.BAD
    if not well:
        return Tone.BAD
    return Tone.ASKING if state.waiting_for or state.paused else Tone.RUNNING


def _going(state: RunState, now: Instant) -> Iterator[Part]:
    if steered := why_steered(state):
        yield Text(steered)
    if state.paused is not None:
        yield Command(f"drtool continue {state.run}", f"To go on, type on {state.host}:")
    for consent in state.waiting_for:
        yield from question(consent.asked, state)
    ahead = forecast(state, now)
    yield Facts(_measures(state, now, ahead))
    if ahead.limit is not None and ahead.elapsed_seconds is not None:
        yield Text(_bar(ahead.elapsed_seconds, ahead.limit))
    yield Text(_row(stages(state), now))


def _ended(state: RunState) -> Iterator[Part]:
    said = explain(state)
    yield Text(said.world)
    if state.ended is not None:
        yield from judged(state.ended)
    yield Text(_row(stages(state), state.last))
    yield typed(said.options[0], state)


def typed(option: Option, state: RunState) -> Command:
    """Something that can be typed now, and what follows; a site's name stays as it is."""
    what, way = option.consequence, state.plan.direction
    if what.partition(" ")[0] not in {way.from_site, way.to_site}:
        what = f"{what[:1].upper()}{what[1:]}"
    return Command(option.command, f"{what}:")


def judged(ended: RunEnded) -> Iterator[Part]:
    """The objectives, and why the run ended as it did."""
    if ended.verdicts:
        yield Facts(tuple((each.subject.capitalize(), each.text) for each in ended.verdicts))
    if ended.reason:
        yield Text(ended.reason, lead="Why:")


def _not_moving(state: RunState, life: Life) -> Iterator[Part]:
    """The engine is gone, or hangs; the command that takes the run up."""
    said = explain(state, life=life)
    yield Text(said.world)
    yield Text(said.why)
    yield Text(_row(stages(state), state.last))
    resume = (option for option in said.options if option.command.startswith("drtool resume"))
    yield typed(next(resume, said.options[0]), state)


def _measures(state: RunState, now: Instant, ahead: Forecast) -> tuple[tuple[str, str], ...]:
    """What has passed and what is to come, each against the objective; never a guess."""
    since = max(0.0, seconds_between(state.started, now))
    if not state.mode.changes_the_world:
        return (("Since the start", seconds_text(since)),)
    what, objective = ("Recovery time", "RTO") if state.plan.procedure.unplanned else (
        "Downtime", "objective")  # fmt: skip
    facts = []
    if ahead.elapsed_seconds is not None:
        limit = f" of {objective} {ahead.limit}" if ahead.limit is not None else ""
        facts.append((f"{what} so far", f"{seconds_text(ahead.elapsed_seconds)}{limit}"))
    elif state.plan.procedure.unplanned:
        facts.append((what, "not measured: the outage's start is not known"))
    else:
        facts.append((what, "none so far"))
    if ahead.recovery_seconds is not None and ahead.limit is not None:
        how = "AT RISK" if ahead.rto_at_risk else f"within {ahead.limit}"
        how += ", if it is continued now" if ahead.paused else ""
        facts.append(("Forecast", f"{seconds_text(ahead.recovery_seconds)}, {how}"))
    facts.append(("Since the start", seconds_text(since)))
    facts.append(("Still to do", f"about {seconds_text(ahead.finish_in_seconds)}, by the budgets"))
    return tuple(facts)


def _bar(used: float, limit: Duration) -> str:
    share = used / limit.seconds if limit.seconds else 1.0
    full = min(BAR, round(share * BAR))
    return f"{'█' * full}{'░' * (BAR - full)}  {share:.0%} of {limit}"


def _row(found: tuple[Stage, ...], now: Instant) -> str:
    """The phases in a row, those around the present one if they are many."""
    active = [number for number, one in enumerate(found) if one.outcome is not Outcome.PENDING]
    first = max(0, min((active[-1] if active else 0) - SHOWN // 2, len(found) - SHOWN))
    shown = "   ".join(_stage(one, now) for one in found[first : first + SHOWN])
    more = len(found) - SHOWN
    return f"{shown}   ({more} more)" if more > 0 else shown


def _stage(one: Stage, now: Instant) -> str:
    sign = _SIGNS.get(one.outcome, _BAD)
    seconds = one.seconds(now)
    return f"{sign} {one.name}" + (f" {seconds_text(seconds)}" if seconds is not None else "")


def _foot(state: RunState, now: Instant, *, alive: bool) -> Iterator[Part]:
    began = f"began {state.started.wall:%Y-%m-%d %H:%M:%S} UTC, asked by {state.requester}"
    yield Small(f"run {state.run}, {began} on {state.host}")
    if state.ended is None:
        follow = f"`drtool attach {state.run}` follows it, " if alive else ""
        more = f"{follow}`drtool explain {state.run}` says more"
        yield Small(f"{more}; as of {now.wall:%H:%M:%S} UTC")

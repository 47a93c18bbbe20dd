"""The promises, judged by an onlooker who knows the world and reads each run's record."""

from __future__ import annotations

from collections.abc import Iterator

from run_rules import ran_twice
from sim_machine import REQUESTER, Machine
from sim_world import ADDRESS, SimWorld

from drtool.model.event import (
    ConsentAsked,
    ConsentGiven,
    Event,
    RunEnded,
    RunStarted,
    StatementMade,
    StepEnded,
    StepIntent,
    World,
)
from drtool.model.plan import Plan
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose, StepKind
from drtool.model.steering import StepDirected


def broken_by(world: SimWorld, machines: list[Machine]) -> list[str]:
    """What is broken now, as sentences; empty when every promise holds."""
    found = list(world.broken)
    found += _two_primaries(world)
    found += [f"7: {name} says nothing" for name, values in world.names.items() if not values]
    for machine in machines:
        if machine.process is not None and machine.process.error is not None:
            found.append(f"engine of {machine.name}: {machine.process.error!r}")
        found += [f"13: {fault}" for fault in machine.journal.verify()]
        for run in machine.runs:
            events = machine.events(run)
            if events:
                found += [f"run {run}: {one}" for one in run_breaks(events, world)]
            found += _untold(machine.told.get(run, []), events)
    return found


def run_breaks(events: list[Event], world: SimWorld) -> Iterator[str]:
    """What one run has broken, by its record and by what it did to the world."""
    begun = events[0].body
    assert isinstance(begun, RunStarted)
    run, plan = events[0].run, begun.plan
    yield from (f"1: {found}" for found in ran_twice(events))
    yield from _without_intent(events)
    yield from _scripts(events, run, world)
    yield from _unapproved(events, plan)
    acts = begun.mode in {Mode.LIVE, Mode.DRILL}
    if not acts and world.of_run(run):
        yield f"10: a {begun.mode.value} did {world.of_run(run)}"
    ended = [event.body for event in events if isinstance(event.body, RunEnded)]
    if len(ended) > 1:
        yield "9: it has ended more than once"
    if ended and acts:
        yield from _untrue(ended[0], events, plan, world)


def _two_primaries(world: SimWorld) -> list[str]:
    if len(world.writable) > 1 and not (world.by_hand or world.stated):
        return [f"4: {' and '.join(world.writable)} are both writable"]
    return []


def _untold(told: list[Event], events: list[Event]) -> list[str]:
    """What was told and is not in the journal."""
    known = {event.seq for event in events}
    return [
        f"3: event {event.seq} was told and is lost" for event in told if event.seq not in known
    ]


def _without_intent(events: list[Event]) -> Iterator[str]:
    """A step that changed something has said so before."""
    intended = {event.body.step for event in events if isinstance(event.body, StepIntent)}
    for event in events:
        body = event.body
        if not isinstance(body, StepEnded) or body.outcome is not Outcome.SUCCEEDED:
            continue
        if body.changes and body.step not in intended and not body.adopted:
            yield f"1: step {body.step} changed something without an intent"


def _scripts(events: list[Event], run: str, world: SimWorld) -> Iterator[str]:
    """A command runs once, and once more for each person who said so."""
    for step in ("traced", "untraced"):
        ran = [one for one in world.of_run(run) if one.what == f"script {step}"]
        again = [
            event
            for event in events
            if isinstance(event.body, ConsentGiven)
            and event.body.step == step
            and event.body.decision == "approved"
        ]
        if len(ran) > 1 + len(again):
            yield f"1: the script of {step} ran {len(ran)} times"
    promoted = [one for one in world.of_run(run) if one.what == "promote"]
    if len(promoted) > 1:
        yield f"1: it promoted {len(promoted)} times"


def _unapproved(events: list[Event], plan: Plan) -> Iterator[str]:
    """Nothing one-way is begun before somebody else has consented to what was shown."""
    gates = {step.name for step in plan.steps if step.kind is StepKind.APPROVAL} | {"start"}
    asked: dict[str, Event] = {}
    consented = False
    for event in events:
        body = event.body
        if isinstance(body, ConsentAsked):
            asked[body.step] = event
        elif isinstance(body, ConsentGiven) and body.step in gates:
            if body.decision == "approved" and not _late(asked[body.step], event):
                consented = consented or body.step == "start" or body.by != REQUESTER
        elif isinstance(body, StepIntent) and not consented:
            step = plan.step(body.step)
            if step.one_way and step.purpose in {Purpose.FENCE, Purpose.PROMOTE}:
                yield f"12: step {body.step} was begun and nobody had consented"


def _late(asked: Event, given: Event) -> bool:
    """Whether an answer came after the question's time, by both of the machine's clocks."""
    question = asked.body
    assert isinstance(question, ConsentAsked)
    if question.expires is None or question.budget is None:
        return False
    waited = given.at.monotonic - asked.at.monotonic
    return given.at.wall > question.expires and waited > question.budget.seconds


def _untrue(ended: RunEnded, events: list[Event], plan: Plan, world: SimWorld) -> Iterator[str]:
    """How the run ended, held against what it did; what a person has left out is not judged."""
    run = events[0].run
    skipped = {
        event.body.step
        for event in events
        if isinstance(event.body, StepDirected) and event.body.verb == "skip"
    }
    did = [one.what for one in world.of_run(run)]
    if ended.world is World.UNTOUCHED and any(not what.startswith("warm") for what in did):
        yield f"9: it ended untouched and did {did}"
    if ended.world is World.FENCED and "promote" in did:
        yield "9: it ended with nothing writable, and promoted"
    met = [verdict.objective for verdict in ended.verdicts if verdict.met]
    if met and ended.outcome is not Outcome.SUCCEEDED:
        yield f"16: {met} met, and it ended {ended.outcome.value}"
    to = plan.direction.to_site
    moved = plan.procedure in {Procedure.FAILOVER, Procedure.SWITCHOVER, Procedure.FAILBACK}
    if ended.outcome is not Outcome.SUCCEEDED or not moved or to is None:
        return
    if "order accepted" not in did and (met or "orders_accepted" not in skipped):
        yield f"16: it succeeded with {met} met, and {to} accepted none of its orders"
    if "redirect" in skipped:
        return
    if not any(ADDRESS[to] in values for values in world.names.values()) and not world.by_hand:
        later = [one for one in world.effects if one.run != run and one.what.startswith("name")]
        if not later:
            yield f"7: it succeeded, and no name server says {ADDRESS[to]}"


def stated(events: list[Event]) -> bool:
    """Whether a person has given their word of a fence."""
    return any(isinstance(event.body, StatementMade) for event in events)

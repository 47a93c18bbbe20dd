from __future__ import annotations

import threading
from datetime import UTC, datetime
from random import Random

from engine_bench import FAST, plan_of, step
from hypothesis import given, settings
from hypothesis import strategies as st

from drtool.action import Check, Facts, Hands, Look
from drtool.catalog import Catalog
from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.engine.cover import changes_digest, foreseen, not_shown
from drtool.engine.direct import DirectExecutor
from drtool.engine.ports import Ports, RunSettings
from drtool.engine.run import Engine
from drtool.engine.schedule import Schedule
from drtool.model.change import Change
from drtool.model.event import Body, Event, Instant, Request
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Mode, Outcome, Purpose
from drtool.progress.state import Folder, fold
from drtool.redact import Redactor


@st.composite
def graphs(draw: st.DrawFn) -> tuple[PlanStep, ...]:
    """Steps, each of which may need some of those before it."""
    steps: list[PlanStep] = []
    for number in range(draw(st.integers(1, 8))):
        names = [one.name for one in steps]
        needs = draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) if names else []
        good = draw(st.booleans()) or draw(st.booleans())
        steps.append(step(f"s{number}", "memory.is", *needs, good=good, attempts=1))
    return tuple(steps)


@given(graphs(), st.randoms())
def test_every_step_is_given_out_once_and_after_its_needs(
    steps: tuple[PlanStep, ...], dice: Random
) -> None:
    schedule, well, out = Schedule(steps), set[str](), list[str]()
    running: list[PlanStep] = []
    while True:
        fresh = schedule.take_ready(2)
        for one in fresh:
            assert set(one.needs) <= well
            assert one.name not in out
            out.append(one.name)
        running += fresh
        if not running:
            break
        done = running.pop(dice.randrange(len(running)))
        schedule.ended(done.name, well=bool(done.fields["good"]))
        schedule.ended(done.name, well=True)
        if done.fields["good"]:
            well.add(done.name)
    for one in steps:
        assert (one.name in out) == (set(one.needs) <= well)


def names(steps: list[PlanStep]) -> list[str]:
    return [one.name for one in steps]


def test_a_rescue_is_given_out_when_none_that_it_takes_back_is_out() -> None:
    both = ("a", "b", "told", "late")
    schedule = Schedule((
        step("a"), step("b"), step("told", "bench.tell", text=""), step("late", "bench.set", "a"),
        step("back", rescues=both), step("back2", rescues=both),
    ))  # fmt: skip
    assert names(schedule.take_ready(9)) == ["a", "b", "told"]
    schedule.ended("a", well=False)
    assert schedule.rescuing
    assert schedule.take_rescues(9) == []
    schedule.ended("b", well=False)
    assert names(schedule.take_rescues(1)) == ["back"]
    assert names(schedule.take_rescues(1)) == ["back2"]
    assert not schedule.rescuing


def test_a_way_back_waits_for_the_smaller_one_within_it() -> None:
    schedule = Schedule((
        step("a"), step("inner1", rescues=("a",)), step("inner2", "bench.set", "inner1",
        rescues=("a",)), step("outer", rescues=("a", "inner1", "inner2")),
    ))  # fmt: skip
    assert names(schedule.take_ready(9)) == ["a"]
    schedule.ended("a", well=False)
    for name in ("inner1", "inner2", "outer"):
        assert names(schedule.take_rescues(9)) == [name]
        schedule.ended(name, well=True)
    assert not schedule.more


class Memory:
    """A journal that forgets."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._clock, self._lock = SystemClock(), threading.Lock()

    def append(self, run: str, *bodies: Body, after: int | None = None) -> tuple[Event, ...]:
        assert after == len(self.events)
        with self._lock:
            at = Instant(wall=datetime.now(UTC), monotonic=self._clock.monotonic(), boot="b")
            fresh = [
                Event(run=run, seq=len(self.events) + number, at=at, body=body)
                for number, body in enumerate(bodies, 1)
            ]
            self.events += fresh
            return tuple(fresh)

    def pending(self, run: str) -> list[Request]:
        del run
        return []

    def settle(self, request_id: int) -> None:
        del request_id


class MemoryIs(Check[Change]):
    """Passes or does not."""

    purpose = Purpose.VERIFY
    good: bool

    def observe(self, look: Look) -> Change:
        return Change(subject=look.facts.step, before="", after="")

    def judge(self, seen: Change, facts: Facts) -> str | None:
        del seen, facts
        return None if self.good else "bad"


def ports(journal: Memory) -> Ports:
    clock, redactor = SystemClock(), Redactor()
    connections = Connections(Context(plan_of().inventory, Secrets(redactor), clock))
    return Ports(
        journal=journal,
        executor=DirectExecutor(),
        entries=Catalog({"memory.is": MemoryIs}),
        look=lambda facts: Look(connections, facts),
        clock=clock,
        redactor=redactor,
        hands=lambda facts: Hands(connections, facts),
        limits=FAST,
    )


@settings(max_examples=25)
@given(graphs())
def test_an_engine_runs_each_step_at_most_once_and_needs_first(steps: tuple[PlanStep, ...]) -> None:
    journal = Memory()
    plan: Plan = plan_of(*steps)
    Engine(RunSettings(run="r", plan=plan, mode=Mode.LIVE, requester="t"), ports(journal)).execute()
    started: list[str] = []
    well: set[str] = set()
    for event in journal.events:
        if event.body.kind == "step.started":
            assert set(plan.step(event.body.step).needs) <= well
            assert event.body.step not in started
            started.append(event.body.step)
        elif event.body.kind == "step.ended" and event.body.outcome is Outcome.SUCCEEDED:
            well.add(event.body.step)
    ended = fold(journal.events).ended
    assert ended is not None
    assert (ended.exit_code == 0) == (len(well) == len(steps))


@settings(max_examples=25)
@given(graphs())
def test_folding_by_and_by_is_folding_at_once(steps: tuple[PlanStep, ...]) -> None:
    journal = Memory()
    Engine(
        RunSettings(run="r", plan=plan_of(*steps), mode=Mode.LIVE, requester="t"), ports(journal)
    ).execute()
    folder = Folder()
    for number, event in enumerate(journal.events, 1):
        folder.apply(event)
        assert folder.state == fold(journal.events[:number])


CHANGES = st.lists(
    st.builds(
        Change,
        subject=st.sampled_from(["a", "ab", "a.b"]),
        before=st.sampled_from(["x", "y"]),
        after=st.sampled_from(["1", "2"]),
    ),
    max_size=4,
)


@given(CHANGES, CHANGES)
def test_a_consent_covers_the_same_subjects_and_results(
    shown: list[Change], wanted: list[Change]
) -> None:
    known = {(one.subject, one.after) for one in shown}
    wholes = {one.subject for one in shown}
    left = not_shown(wanted, shown, "s")
    for one in wanted:
        part = one.subject == "a.b" and "a" in wholes
        assert (one in left) == ((one.subject, one.after) not in known and not part)
    assert (changes_digest(shown) == changes_digest(wanted)) == (
        known == {(one.subject, one.after) for one in wanted}
    )


def test_what_could_only_be_foreseen_covers_its_own_step() -> None:
    change = Change(subject="postgresql east.db", before="up", after="down")
    bound = foreseen(step("fence", "bench.fence"), fields_known=True)
    assert not_shown([change], [bound], "fence") == ()
    assert not_shown([change], [bound], "other") == (change,)
    loose = foreseen(step("fence", "bench.fence"), fields_known=False)
    assert not_shown([change], [loose], "fence") == (change,)


def test_a_subject_covers_its_parts() -> None:
    shown = Change(subject="postgresql east.db", before="up", after="a standby")
    slot = Change(subject="postgresql east.db slot drtool", before="unused", after="dropped")
    other = Change(subject="postgresql east.db2", before="up", after="a standby")
    again = shown.model_copy(update={"after": "rebuilt"})
    assert not_shown([slot, other, again], [shown], "s") == (other, again)

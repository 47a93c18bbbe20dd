"""Every crash point of every procedure, each killed in turn: the same world as undisturbed.

In memory, with the real engine, journal, planner, lease and most actions; the real lab's sweep
is part of ``make soak``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sim_story import Story

from drtool.model.purpose import Outcome

pytestmark = pytest.mark.faults
# What a procedure begins with: how the world stands before it.
PROCEDURES = ("failover", "switchover", "reprotect", "failback", "unwound", "escalated")
DEEP = 5
SOAK = bool(os.environ.get("SOAK_EXAMPLES"))


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, tuple[list[str], tuple[object, ...], list[tuple[str, str]]]]:
    """For each procedure its places, its final world and its effects."""
    found = {}
    for procedure in PROCEDURES:
        with Story(procedure) as story:
            passed = story.passed()
            # its fence was begun and not proven: that stays, whatever else is taken back
            back = procedure == "unwound"
            wanted = Outcome.REFUSED if back else Outcome.SUCCEEDED
            state = story.machine.state()
            assert state.ended is not None
            assert state.ended.outcome is wanted, state.ended
            assert any(one.outcome is Outcome.UNWOUND for one in state.steps) is back
            found[procedure] = (passed, story.final, story.effects())
    return found


Undisturbed = dict[str, tuple[list[str], tuple[object, ...], list[tuple[str, str]]]]


def as_undisturbed(story: Story, wanted: Undisturbed) -> Iterator[str]:
    """What differs from the undisturbed run, and what promise is broken."""
    _, final, effects = wanted[story.procedure]
    at = " then ".join(story.killed)
    if story.final != final:
        yield f"killed at {at}: {story.final} instead of {final}"
    if story.effects() != effects:
        yield f"killed at {at}: did {story.effects()} instead of {effects}"
    for broken in story.judged():
        yield f"killed at {at}: {broken}"


def chosen(places: list[str]) -> Iterator[tuple[int, str]]:
    """Every place by its number; in haste without those that nothing lies between.

    A step's place has a second name right after the first one, and each record that is written
    is followed by a place of its own, but for the moment at which the anchor lacks it.
    """
    for number, place in enumerate(places, 1):
        named = " " in place
        if SOAK or not (named or place in {"journal.written", "journal.anchored"}):
            yield number, place


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_killed_at_every_crash_point_it_ends_in_the_same_world(
    undisturbed: Undisturbed, procedure: str
) -> None:
    places = undisturbed[procedure][0]
    wrong: list[str] = []
    assert len(places) > 20
    for number, place in chosen(places):
        with Story(procedure) as story:
            assert story.killed_at(number) == place
            story.finish()
            wrong += as_undisturbed(story, undisturbed)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_killed_five_deep_inside_resume_it_ends_in_the_same_world(
    undisturbed: Undisturbed, procedure: str
) -> None:
    places = undisturbed[procedure][0]
    wrong: list[str] = []
    for number in range(1, len(places), 2 if SOAK else 11):
        with Story(procedure) as story:
            story.killed_at(number)
            for deeper in range(1, DEEP + 1):
                if not story.killed_deeper(1 + (number * deeper) % 13):
                    break
            story.finish()
            wrong += as_undisturbed(story, undisturbed)
    assert not wrong, "\n".join(wrong)


def test_there_is_a_crash_point_at_every_boundary(undisturbed: Undisturbed) -> None:
    passed = [place for places, _, _ in undisturbed.values() for place in places]
    with Story("failover") as story:  # a fence is proven again when a run is taken up
        story.killed_at(undisturbed["failover"][0].index("step.intent-written promote"))
        passed += story.passed()
    known = {place.partition(" ")[0] for place in passed}
    wanted = {
        "run.started-written", "run.ended-written", "lease.given-back", "consent.asked-written",
        "consent.given-written", "step.started-written", "step.before-intent",
        "step.intent-written", "step.effect-applied", "step.before-outcome",
        "step.outcome-written", "step.proven-again", "unwind.intent-written",
        "unwind.effect-applied", "unwind.outcome-written", "journal.written",
        "journal.committed", "journal.anchored", "request.taken", "request.settled",
        "lease.taken",
    }  # fmt: skip
    assert wanted <= known, wanted - known

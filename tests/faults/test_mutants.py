"""Each promise is watched: an engine that breaks just one of them is found out.

Thirteen are told as stories in the world in memory, which hold with the engine as it is; of the
others a test that stands elsewhere must fail when it is run with the broken engine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from mutants import MUTANTS
from sim_machine import Heard
from sim_story import Story
from sim_world import EAST, WEST

from drtool.model.event import Event
from drtool.model.purpose import Mode, Outcome, Procedure

pytestmark = pytest.mark.faults
TESTS = Path(__file__).parent.parent


def script_killed_after_its_effect() -> list[str]:
    """1: a script that leaves no trace, killed right after it ran; a person looks it up."""
    with Story("failover") as clean:
        number = clean.passed().index("step.effect-applied untraced") + 1
    with Story("failover") as story:
        story.killed_at(number)
        story.finish()
        return story.judged()


def killed_after_the_promotion() -> list[str]:
    """2: a switchover killed right after its promotion ends as if nothing had been."""
    with Story("switchover") as clean:
        number = clean.passed().index("step.effect-applied promote") + 1
        wanted = clean.final
    with Story("switchover") as story:
        story.killed_at(number)
        story.finish()
        return [] if story.final == wanted else [f"{story.final} instead of {wanted}"]


def killed_while_writing() -> list[str]:
    """3: killed before a commit; what was told is there."""
    found: list[str] = []
    for number in range(20, 60, 7):
        with Story("failover") as story:
            story.killed_at(number)
            found += story.judged()
    return found


def primary_lives_behind_a_partition() -> list[str]:
    """4: the primary serves customers, and only the operator does not reach it."""
    with Story("switchover") as story:
        story.machine.kill()
        story.world.cut.add(frozenset(("left", EAST)))
        story.machine.start(Procedure.FAILOVER, EAST, WEST)
        story.carry()
        return story.judged()


def lease_goes_to_another() -> list[str]:
    """5: the holder stands still before it redirects, and somebody takes its lease away."""
    with Story("failover") as story:
        world, machine = story.world, story.machine
        for _ in range(2000):
            if any(one.what == "promote" for one in world.effects):
                break
            for step in machine.asks:
                machine.ask("approve", step)
            if not machine.turns(1):
                world.tick()
        server = world.servers[WEST]
        (session,) = server.locks.values()
        world.end_session(server, session)
        key, rival = next(iter((1,))), session.__class__("right", "rival", "t", session.since)
        server.sessions.append(rival)
        server.locks[key] = rival
        machine.carry(200.0)
        return story.judged()


def standby_lags_a_minute() -> list[str]:
    """6: the standby has not received a minute of orders when the primary dies."""
    with Story("switchover") as story:
        story.machine.kill()
        story.world.lagging = True
        for _ in range(60):
            story.world.tick()
        story.world.power(story.world.servers[EAST], on=False)
        story.machine.start(Procedure.FAILOVER, EAST, WEST, since=0.0)
        story.carry()
        return story.judged()


def somebody_has_changed_the_name() -> list[str]:
    """7: the name says something that no plan knows."""
    with Story("failover") as story:
        story.world.names["ns_west"] = ("192.0.2.99",)
        story.carry()
        return story.judged()


def listener_raises() -> list[str]:
    """8: whoever is told of the run is broken."""

    def hear(self: Heard, event: Event) -> None:
        del self
        msg = f"cannot tell {event.seq}"
        raise OSError(msg)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Heard, "hear", hear)
        with Story("failover") as story:
            story.carry()
            ended = story.machine.ended and story.machine.state().ended
            good = ended and ended.outcome is Outcome.SUCCEEDED
            return [] if good else [f"{ended} {story.machine.process}"]


def fence_is_never_proven() -> list[str]:
    """9: no path of the fence answers."""
    with Story("unwound") as story:
        for _ in range(4):
            story.machine.carry(30.0)
            for step in story.machine.asks:
                story.machine.ask("approve", step)
        return [] if story.over else ["it goes on after its deadline"]


def dry_run() -> list[str]:
    """10: what would a failover do?"""
    with Story("failover") as story:
        story.machine.kill()
        story.machine.start(Procedure.FAILOVER, EAST, WEST, mode=Mode.DRY_RUN)
        story.carry()
        return story.judged()


def nobody_consents() -> list[str]:
    """12: a switchover that nobody answers."""
    with Story("switchover") as story:
        story.machine.carry(100.0)
        return story.judged()


def redirect_is_refused() -> list[str]:
    """16: promoted, and customers cannot be moved."""
    return somebody_has_changed_the_name()


STORIES: dict[str, Callable[[], list[str]]] = {
    "no_intent": script_killed_after_its_effect,
    "forgets_who_took_over": killed_after_the_promotion,
    "tells_first": killed_while_writing,
    "no_fence": primary_lives_behind_a_partition,
    "no_lease": lease_goes_to_another,
    "any_loss": standby_lags_a_minute,
    "any_value": somebody_has_changed_the_name,
    "waits_for_listeners": listener_raises,
    "no_deadline": fence_is_never_proven,
    "dry_hands": dry_run,
    "no_consent": nobody_consents,
    "says_met": redirect_is_refused,
}
ELSEWHERE = {
    "in_production": "unit/runbook/test_planning.py::test_a_rehearsal_keeps_away_from_production",
    "no_anchor": "unit/journal/test_tampering.py::test_a_shorter_journal_is_refused",
    "no_masks": "unit/test_redact.py::test_a_secret_is_masked_wherever_it_stands",
    "swallows_faults": "unit/runbook/test_bad_runbook.py::test_told_with_place_reason_and_fix",
}


def test_there_is_a_mutant_for_each_promise_and_a_test_for_each_mutant() -> None:
    numbers = [(made.__doc__ or "").partition(":")[0] for made in MUTANTS.values()]
    assert numbers == [str(number) for number in range(1, 17)]
    assert {*STORIES, *ELSEWHERE} == set(MUTANTS)


@pytest.mark.parametrize("name", STORIES)
def test_a_broken_engine_is_found_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert STORIES[name]() == [], "the engine as it is keeps the promise"
    MUTANTS[name](monkeypatch)
    assert _told(STORIES[name]), f"nobody noticed: {MUTANTS[name].__doc__}"


def _told(story: Callable[[], list[str]]) -> list[str]:
    """What the onlooker says, or the story itself when it cannot be told to its end."""
    try:
        return story()
    except AssertionError as error:
        return [str(error)]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_broken_engine_fails_a_test_that_stands_elsewhere(name: str) -> None:
    ran = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-x",
                "-p",
                "mutants",
                "-p",
                "no:cacheprovider",
            ),
            str(TESTS / ELSEWHERE[name]),
        ],
        cwd=TESTS.parent,
        env={**os.environ, "PYTHONPATH": str(TESTS), "DRTOOL_TEST_MUTANT": name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "1 failed" in ran.stdout, ran.stdout

"""A run is taken back newest first, whatever kills its engine meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import pytest
from engine_bench import (
    ENTRIES,
    Bench,
    Fence,
    Prepare,
    Running,
    Seen,
    chain,
    plan_of,
    step,
    world_of,
)

from drtool.action import Hands, Look
from drtool.engine.context import Cancelled, HeirReady, Signalled
from drtool.engine.ports import Resumption
from drtool.engine.run import Engine
from drtool.engine.unwind import UNWINDING
from drtool.errors import Interrupted
from drtool.model.event import Request, RunEnded, World
from drtool.model.plan import PlanStep
from drtool.model.purpose import OnFailure, Outcome, Procedure, Purpose
from drtool.model.steering import EscalationAsked, UnwindAsked
from drtool.units import Duration


class Gate(Fence):
    """A fence that can be given back, while nobody is promoted elsewhere."""

    one_way: ClassVar[bool] = True

    def reason_not_to_undo(self, look: Look, before: Seen) -> str | None:
        del before
        return "west was promoted" if world_of(look).get("elsewhere") == "primary" else None


class Stuck(Prepare):
    """Says that it is taken back, and is not."""

    def undo(self, hands: Hands, before: Seen) -> None:
        del before
        world_of(hands).effect(f"undo:{self.key}")


class Slow(Prepare):
    """Is looked at for very long before it is taken back."""

    def reason_not_to_undo(self, look: Look, before: Seen) -> str | None:
        del before
        world_of(look).effect("looking")
        while not world_of(look).get("go"):
            time.sleep(0.01)
        world_of(look).effect("looked")
        return None


@pytest.fixture(autouse=True)
def _more_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENTRIES, "bench.gate", Gate)
    monkeypatch.setitem(ENTRIES, "bench.stuck", Stuck)
    monkeypatch.setitem(ENTRIES, "bench.slow", Slow)


def gate(name: str) -> PlanStep:
    return step(name, "bench.gate", key=name)


def last() -> PlanStep:
    return step("wait", "bench.is", key="never")


def steps() -> tuple[PlanStep, ...]:
    return chain(step("one", "bench.prepare"), step("two", "bench.prepare"), last())


def unwound(bench: Bench, *more: PlanStep) -> RunEnded:
    running = bench.in_background(bench.engine(*more))
    bench.until(lambda: "look:never" in bench.world.effects)
    bench.ask("unwind", by="ann", reason="wrong week")
    return running.wait()


def going_back(bench: Bench) -> Running:
    """A run that takes itself back, and looks at its second step until it may go on."""
    bad = step("bad", "bench.is", key="x", attempts=1, on_failure=OnFailure.UNWIND)
    slow = step("two", "bench.slow", key="two")
    made = chain(step("one", "bench.prepare"), slow, bad)
    plan = plan_of(*made, procedure=Procedure.SWITCHOVER)
    running = bench.in_background(bench.engine(plan=plan))
    bench.until(lambda: "looking" in bench.world.effects)
    return running


def told(bench: Bench) -> list[str]:
    return [one.text for one in bench.state.warnings if one.about != UNWINDING]


def undone(bench: Bench) -> list[str]:
    return [one for one in bench.world.effects if one.startswith("undo:")]


def test_a_run_is_taken_back_newest_first(bench: Bench) -> None:
    ended = unwound(bench, *steps())
    assert (ended.outcome, ended.exit_code) == (Outcome.UNWOUND, 4)
    assert ended.reason == ("ann asked to take it back: wrong week; what was done is taken back")
    assert ended.world is World.UNTOUCHED
    assert undone(bench) == ["undo:two", "undo:one"]
    assert bench.outcomes() == {"one": "unwound", "two": "unwound", "wait": "aborted"}


def test_never_across_the_promotion(bench: Bench) -> None:
    promoted = (step("fence", "bench.fence"), step("promote", "bench.promote"), last())
    running = bench.in_background(bench.engine(*chain(*promoted)))
    bench.until(lambda: "look:never" in bench.world.effects)
    bench.ask("unwind")
    text = "a promotion was begun: from there it goes only forward"
    bench.until(lambda: any(text in one.text for one in bench.state.warnings))
    assert bench.state.unwinding is None
    bench.ask("abort")
    assert running.wait().outcome is Outcome.ABORTED


def test_a_fence_that_cannot_be_given_back_refuses(bench: Bench) -> None:
    running = bench.in_background(bench.engine(*chain(step("fence", "bench.fence"), last())))
    bench.until(lambda: "look:never" in bench.world.effects)
    bench.ask("unwind")
    text = "step fence has fenced east, and its action cannot take that back"
    bench.until(lambda: any(text in one.text for one in bench.state.warnings))
    bench.ask("abort")
    running.wait()


def test_a_fence_is_given_back_where_nobody_was_promoted(bench: Bench) -> None:
    ended = unwound(bench, *chain(step("one", "bench.prepare"), gate("fence"), last()))
    assert ended.world is World.UNTOUCHED
    assert undone(bench) == ["undo:fence", "undo:one"]


def test_a_fence_stays_where_somebody_was_promoted(bench: Bench) -> None:
    bench.world.put("elsewhere", "primary")
    ended = unwound(bench, *chain(step("one", "bench.prepare"), gate("fence"), last()))
    assert ended.outcome is Outcome.ABORTED
    text = "step fence could not be undone: west was promoted"
    assert text in ended.reason
    assert undone(bench) == []


def test_what_is_not_seen_taken_back_is_said_so(bench: Bench) -> None:
    stuck = step("two", "bench.stuck", key="two", deadline=Duration(0.3))
    ended = unwound(bench, *chain(step("one", "bench.prepare"), stuck, last()))
    assert ended.outcome is Outcome.ABORTED
    assert "undo was made, but the effect is still seen" in ended.reason
    assert undone(bench) == ["undo:two"]


def test_an_undo_that_hangs_is_left_and_does_nothing_afterwards(bench: Bench) -> None:
    slow = step("two", "bench.slow", key="two", deadline=Duration(0.2))
    ended = unwound(bench, *chain(step("one", "bench.prepare"), slow, last()))
    assert ended.outcome is Outcome.ABORTED
    assert "undo did not end within 200ms" in ended.reason
    kinds = bench.kinds()
    bench.world.put("go", "yes")
    bench.until(lambda: "looked" in bench.world.effects)
    assert undone(bench) == []
    assert bench.kinds() == kinds


def test_an_abort_wins_over_an_unwinding_that_is_asked_for_in_the_same_moment(
    bench: Bench,
) -> None:
    bench.ask("unwind", by="ann")
    bench.ask("abort", by="ben")
    ended = bench.execute(*steps())
    assert (ended.outcome, ended.exit_code) == (Outcome.ABORTED, 4)
    assert ended.reason.startswith("ben asked to abort")
    assert undone(bench) == []


def test_an_abort_stops_an_unwinding_whatever_else_is_asked_with_it(bench: Bench) -> None:
    running = going_back(bench)
    bench.ask("unwind", by="ann")
    bench.ask("abort", by="ben")
    bench.world.put("go", "yes")
    assert running.wait().outcome is Outcome.ABORTED
    assert undone(bench) == ["undo:two"]
    assert told(bench)[-1] == "an abort stopped the unwinding; what is left stays as it is"


def test_a_run_that_takes_itself_back_takes_no_other_word(bench: Bench) -> None:
    running = going_back(bench)
    for verb, name in (("pause", ""), ("continue", ""), ("retry", "bad"), ("skip", "bad"),
                       ("unwind", ""), ("escalate", "")):  # fmt: skip
        bench.ask(verb, name)
    bench.world.put("go", "yes")
    assert running.wait().outcome is Outcome.UNWOUND
    said = "run r1: is being taken back, as the runbook says"
    refused = [one for one in told(bench) if one.endswith(said)]
    assert len(refused) == 6
    assert (bench.state.pauses, bench.state.directed, bench.state.unwinding) == ((), (), None)
    assert bench.journal.pending("r1") == []


def test_a_cancelling_elsewhere_stops_an_unwinding_as_an_abort_does(bench: Bench) -> None:
    running = going_back(bench)
    running.engine._context.inbox.put(Cancelled("prefect"))
    bench.world.put("go", "yes")
    ended = running.wait()
    assert (ended.outcome, ended.exit_code) == (Outcome.ABORTED, 4)
    assert ended.reason.startswith("prefect asked to abort")
    assert undone(bench) == ["undo:two"]


class Late:
    """A failover that stands ready when it is not wanted any more."""

    asked = EscalationAsked(by="ann", heir="r2")
    dismissed = False

    def begin(self) -> None:
        raise AssertionError

    def carry(self) -> int:
        raise AssertionError

    def dismiss(self) -> None:
        self.dismissed = True


def test_a_failover_that_is_ready_too_late_is_let_go_and_that_is_said(bench: Bench) -> None:
    running, heir = going_back(bench), Late()
    request = Request(run="r1", verb="escalate", by="ann", at=bench.clock.wall())
    running.engine._context.inbox.put(HeirReady(request, heir))
    bench.world.put("go", "yes")
    assert running.wait().outcome is Outcome.UNWOUND
    assert heir.dismissed
    assert any(one.startswith("escalate by ann: ") for one in told(bench))


def test_a_run_whose_engine_is_gone_is_taken_back(bench: Bench) -> None:
    engine = bench.engine(*steps())
    running = bench.in_background(engine)
    bench.until(lambda: "look:never" in bench.world.effects)
    engine._context.inbox.put(Signalled(signal.SIGTERM))
    with pytest.raises(Interrupted):
        running.wait()
    events = bench.events
    asked = UnwindAsked(by="ann", reason="wrong week")
    other = Engine(Resumption(tuple(events), "ann", asked=(asked,)), bench.ports())
    ended = other.execute()
    assert ended.outcome is Outcome.UNWOUND
    assert undone(bench) == ["undo:two", "undo:one"]


def taking_itself_back(bench: Bench, *more: PlanStep) -> RunEnded:
    """A run whose last step fails and has it taken back."""
    bad = step("bad", "bench.is", key="x", attempts=1, on_failure=OnFailure.UNWIND)
    return bench.execute(*chain(step("one", "bench.prepare"), *more, bad))


def by_purpose(name: str, purpose: Purpose) -> PlanStep:
    return step(name, "bench.run", script=name, purpose=purpose)


def test_a_run_whose_fence_stays_is_not_taken_back(bench: Bench) -> None:
    ended = taking_itself_back(bench, step("fence", "bench.fence"))
    assert (ended.outcome, ended.exit_code) == (Outcome.FAILED, 1)
    assert undone(bench) == ["undo:one"]
    text = "what could be was taken back, but step fence stays as it is"
    assert ended.reason == f"step bad: x is ''; {text}"
    assert told(bench) == [text]


def test_a_fence_that_was_there_before_stays_too(bench: Bench) -> None:
    bench.world.put("fence", "yes")
    ended = taking_itself_back(bench, step("fence", "bench.fence"))
    assert ended.outcome is Outcome.FAILED
    assert ended.reason.endswith("step fence stays as it is")


@pytest.mark.parametrize(
    "purpose",
    [Purpose.RESTORE, Purpose.PROMOTE, Purpose.REDIRECT, Purpose.DRAIN, Purpose.REFILL,
     Purpose.REPROTECT],
)  # fmt: skip
def test_a_run_that_leaves_what_decides_who_serves_is_not_taken_back(
    bench: Bench, purpose: Purpose
) -> None:
    ended = taking_itself_back(bench, by_purpose("script", purpose))
    assert ended.outcome is Outcome.FAILED
    assert ended.world is not World.UNTOUCHED


def test_nor_is_one_that_a_person_had_taken_back(bench: Bench) -> None:
    moves = (by_purpose("move", Purpose.REDIRECT), by_purpose("empty", Purpose.DRAIN))
    ended = unwound(bench, *chain(*moves, last()))
    assert (ended.outcome, ended.exit_code) == (Outcome.ABORTED, 4)
    left = "nothing could be taken back: steps move, empty stay as they are"
    assert ended.reason == f"ann asked to take it back: wrong week; {left}"


@pytest.mark.parametrize("purpose", [Purpose.ASSESS, Purpose.VERIFY, Purpose.ANNOUNCE])
def test_what_only_looked_is_not_named(bench: Bench, purpose: Purpose) -> None:
    ended = taking_itself_back(bench, by_purpose("script", purpose))
    assert ended.outcome is Outcome.UNWOUND
    assert ended.reason == "step bad: x is ''; what was done is taken back"


def test_what_stays_and_does_not_weigh_is_named(bench: Bench) -> None:
    ended = taking_itself_back(bench, by_purpose("rent", Purpose.PROVISION))
    assert ended.outcome is Outcome.UNWOUND
    assert ended.reason.endswith("what was done is taken back, but step rent stays as it is")


def test_what_stays_is_said_once_when_the_end_was_not_written(bench: Bench) -> None:
    taking_itself_back(bench, step("fence", "bench.fence"))
    events = [one for one in bench.events if not isinstance(one.body, RunEnded)]
    other = Bench(bench.directory / "again")
    other.journal.append(other.run, *(one.body for one in events))
    assert other.resume().outcome is Outcome.FAILED
    assert told(other) == told(bench)


CRASHES = (
    *("unwind.began-written", "unwind.intent-written", "unwind.effect-applied"),
    *("unwind.outcome-written", "run.ended-written"),
)


@pytest.mark.parametrize("crash", CRASHES)
def test_killed_anywhere_it_is_taken_back_when_it_is_resumed(bench: Bench, crash: str) -> None:
    """The process dies at that point, the next one ends what was begun."""
    directory = bench.directory
    killed = _process(directory, "unwind", DRTOOL_CRASH_AT=crash)
    assert killed.returncode == -9, killed.stderr
    if crash == "run.ended-written":
        assert bench.state.ended is not None
    else:
        bench.journal.close()
        assert _process(directory, "resume").returncode == 1
    again = Bench(directory)
    assert again.outcomes() == {"one": "unwound", "two": "unwound", "three": "failed"}
    assert again.world.all() == {"one": "", "two": ""}
    assert again.state.ended is not None
    assert again.state.ended.outcome is Outcome.UNWOUND


def _process(directory: Path, verb: str, **surroundings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, __file__, str(directory), verb],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | surroundings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def main(directory: str, verb: str) -> int:
    bench = Bench(Path(directory))
    if verb == "resume":
        return bench.resume().exit_code
    three = step("three", "bench.is", key="x", attempts=1, on_failure=OnFailure.UNWIND)
    made = chain(step("one", "bench.prepare"), step("two", "bench.prepare"), three)
    return bench.execute(*made).exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

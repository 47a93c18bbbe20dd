from __future__ import annotations

import signal
import threading
from dataclasses import replace

import pytest
from engine_bench import Bench, approval, chain, failover_steps, plan_of, step

from drtool.engine.context import Signalled
from drtool.engine.run import Engine
from drtool.errors import Interrupted, JournalUnusable, Refused
from drtool.model.event import RunStarted, StepIntent, StepStarted, Via
from drtool.model.purpose import Mode, Outcome
from drtool.units import Duration


def begun(bench: Bench, *steps: object) -> None:
    """What an engine wrote that was killed right after its start."""
    plan = plan_of(*steps)  # type: ignore[arg-type]
    bench.journal.append(
        bench.run,
        RunStarted(
            plan=plan,
            mode=Mode.LIVE,
            requester="tester",
            host="h",
            pid=1,
            version="0",
            engine="direct",
        ),
    )


def intended(bench: Bench, name: str, value: str = "") -> None:
    bench.journal.append(
        bench.run,
        StepStarted(step=name, via=Via.DIRECT),
        StepIntent(step=name, seen={"value": value, "key": name, "want": "yes"}, changes=()),
    )


def test_what_is_done_is_not_done_again(bench: Bench) -> None:
    bench.execute(*failover_steps())
    with pytest.raises(Refused, match="has ended"):
        bench.resume()


def test_an_effect_that_took_place_is_adopted(bench: Bench) -> None:
    begun(bench, *chain(step("one"), step("two")))
    intended(bench, "one")
    bench.world.put("one", "yes")
    assert bench.resume().exit_code == 0
    assert bench.world.effects == ["two=yes"]
    assert bench.state.step("one").adopted
    assert bench.state.step("one").attempts == 2


def test_an_effect_that_did_not_take_place_is_applied(bench: Bench) -> None:
    begun(bench, step("one"))
    intended(bench, "one")
    assert bench.resume().exit_code == 0
    assert bench.world.effects == ["one=yes"]


def test_a_command_whose_trace_is_there_is_adopted(bench: Bench) -> None:
    begun(bench, step("one", "bench.run", script="one"))
    intended(bench, "one")
    bench.world.put("trace.one", "done")
    assert bench.resume().exit_code == 0
    assert bench.world.effects == []


def test_a_repeatable_command_is_run_again(bench: Bench) -> None:
    begun(bench, step("one", "bench.run", script="one", trace=False, repeatable=True))
    intended(bench, "one")
    assert bench.resume().exit_code == 0
    assert bench.world.effects == ["run:one"]


def test_a_pending_approval_survives_with_its_end(bench: Bench) -> None:
    engine = bench.engine(*chain(approval("consent"), step("one")))
    running = bench.in_background(engine)
    bench.until(lambda: bench.asked("consent"))
    engine._context.inbox.put(Signalled(signal.SIGTERM))
    with pytest.raises(Interrupted):
        running.wait()
    asked = bench.state.waiting_for[0].asked
    assert "run.ended" not in bench.kinds()
    assert bench.kinds()[-1] == "lease.ended"
    resumed = bench.in_background(Engine.resume(bench.events, bench.ports(), by="tester"))
    bench.until(lambda: bench.state.gaps)
    bench.ask("approve", "consent")
    assert resumed.wait().exit_code == 0
    assert [one.asked for one in bench.state.consents] == [asked]


def test_a_second_signal_aborts(bench: Bench) -> None:
    engine = bench.engine(*chain(step("one", lies=True, deadline=Duration(1)), step("two")))
    running = bench.in_background(engine)
    bench.until(lambda: bench.world.effects)
    engine._context.inbox.put(Signalled(signal.SIGINT))
    engine._context.inbox.put(Signalled(signal.SIGINT))
    assert running.wait().outcome is Outcome.ABORTED
    assert "two=yes" not in bench.world.effects


def test_a_running_effect_is_finished_before_the_engine_leaves(bench: Bench) -> None:
    engine = bench.engine(*chain(step("one", fails=3), step("two")))
    running = bench.in_background(engine)
    bench.until(lambda: bench.world.effects)
    engine._context.inbox.put(Signalled(signal.SIGTERM))
    with pytest.raises(Interrupted) as left:
        running.wait()
    assert left.value.exit_code == 8
    assert bench.outcomes() == {"one": "succeeded", "two": "pending"}
    assert bench.resume().exit_code == 0


def test_signals_are_handled_in_the_main_thread_and_given_back(bench: Bench) -> None:
    before = signal.getsignal(signal.SIGTERM)
    bench.world.put("gate", "")
    engine = bench.engine(step("look", "bench.is", key="gate"))

    def send() -> None:
        bench.until(lambda: bench.world.effects)
        signal.raise_signal(signal.SIGTERM)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    with pytest.raises(Interrupted):
        engine.execute()
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("now", "outcome", "warned"),
    [("no", Outcome.REFUSED, True), ("silent", Outcome.SUCCEEDED, False)],
)
def test_fences_are_proven_again_before_a_promotion(
    bench: Bench, now: str, outcome: Outcome, *, warned: bool
) -> None:
    """One that no longer holds is lost; one of which nothing can be seen keeps its proof."""
    steps = chain(
        step("fence", "bench.fence"),
        step("wait", "bench.is", key="x"),
        step("promote", "bench.promote"),
    )
    engine = bench.engine(*steps)
    running = bench.in_background(engine)
    bench.until(lambda: "look:x" in bench.world.effects)
    engine._context.inbox.put(Signalled(signal.SIGTERM))
    with pytest.raises(Interrupted):
        running.wait()
    bench.world.put("x", "yes")
    bench.world.put("fence", now)
    ended = bench.resume()
    assert ended.outcome is outcome
    assert ("fence_lost" in [one.about for one in bench.state.warnings]) is warned


def test_nothing_is_done_once_the_journal_cannot_be_written(bench: Bench) -> None:
    class Full:
        def __init__(self) -> None:
            self.left = 3

        def append(self, run: str, *bodies: object, after: int | None = None) -> object:
            self.left -= 1
            if self.left < 0:
                raise JournalUnusable("journal", "no space left on device")
            return bench.journal.append(run, *bodies, after=after)  # type: ignore[arg-type]

        def pending(self, run: str) -> list[object]:
            del run
            return []

        def settle(self, number: int) -> None:
            del number

    ports = replace(bench.ports(), journal=Full())  # type: ignore[arg-type]
    with pytest.raises(JournalUnusable):
        bench.execute(*chain(step("one"), step("two")), ports=ports)
    assert bench.world.effects == ["one=yes"]
    assert bench.lease.released == 1


def test_of_two_engines_that_take_up_a_run_one_goes_on(bench: Bench) -> None:
    bench.engine(step("one", "bench.run", script="one", trace=False)).begin()
    events = bench.events
    first, second = (
        Engine.resume(events, made.ports(), by="tester") for made in (bench, Bench(bench.directory))
    )
    first.begin()
    with pytest.raises(JournalUnusable, match="another engine has written up to its event 4"):
        second.execute()
    assert first.execute().exit_code == 0
    assert bench.world.effects == ["run:one"]
    assert bench.kinds().count("run.resumed") == bench.kinds().count("run.ended") == 1

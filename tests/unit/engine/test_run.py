from __future__ import annotations

import signal
import threading
from dataclasses import replace
from typing import Any

import pytest
from engine_bench import Bench, chain, failover_steps, plan_of, step

from drtool.engine.context import Signalled
from drtool.engine.direct import DirectExecutor
from drtool.engine.ports import Work
from drtool.errors import Interrupted
from drtool.model.event import NO_PROGRESS, Via, World
from drtool.model.plan import PlanStep
from drtool.model.proof import AcceptedLoss
from drtool.model.purpose import Mode, OnFailure, Outcome, Purpose
from drtool.progress.explain import explain
from drtool.progress.narrate import narrate
from drtool.units import Duration

SO_FAR = "before the steps ahead of it have run it would be refused: "


class Watched(DirectExecutor):
    """Says when a step's thread is through, also one that was left behind."""

    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()

    def submit(self, step: PlanStep, work: Work) -> None:
        def whole(via: Via, why: str) -> Outcome | None:
            try:
                return work(via, why)
            finally:
                self.over.set()

        super().submit(step, whole)


def test_a_failover_runs_to_its_end(bench: Bench) -> None:
    ended = bench.execute(*failover_steps())
    assert ended.outcome is Outcome.SUCCEEDED, ended
    assert ended.exit_code == 0
    assert ended.world is World.RECOVERED
    assert set(bench.outcomes().values()) == {"succeeded"}
    assert bench.world.all()["promote"] == "yes"
    assert bench.kinds()[:2] == ["run.started", "lease.taken"]
    assert bench.kinds()[-2:] == ["run.ended", "lease.ended"]
    assert bench.lease.released == 1


def test_a_step_with_nothing_to_do_costs_two_commits(bench: Bench) -> None:
    bench.world.put("one", "yes")
    bench.execute(step("one"))
    assert bench.kinds().count("step.started") == bench.kinds().count("step.ended") == 1
    assert "step.intent" not in bench.kinds()
    assert bench.state.step("one").adopted


def test_a_dry_run_shows_and_touches_nothing(bench: Bench) -> None:
    ended = bench.execute(*failover_steps(), mode=Mode.DRY_RUN)
    assert (ended.outcome, ended.exit_code, ended.world) == (
        Outcome.SUCCEEDED,
        0,
        World.UNTOUCHED,
    )
    assert bench.world.effects == []
    reasons = {one.name: one.reason for one in bench.state.steps}
    assert reasons == {
        "prepare": "would change",
        "fence": "would change",
        "promote": f"would change; {SO_FAR}no fence is proven",
        "redirect": "would change",
        "script": "would run",
        "accepted": "will be checked",
        "tell": "would be sent",
    }
    assert bench.state.step("promote").changes[0].after == "yes"


def test_a_dry_run_keeps_what_a_guard_says_behind_steps_that_did_not_run(bench: Bench) -> None:
    other = "it belongs to another cluster"
    steps = chain(step("prepare"), step("promote", "bench.set", refuse=other, hint="type this"))
    ended = bench.execute(*steps, mode=Mode.DRY_RUN)
    assert (ended.outcome, ended.exit_code) == (Outcome.SUCCEEDED, 0)
    promote = bench.state.step("promote")
    assert (promote.reason, promote.hint) == (f"would change; {SO_FAR}{other}", "type this")
    explained = explain(bench.state)
    assert explained.why == (
        "Nothing was found that would stop it, provided that the steps ahead cure what would be "
        "refused as things stand: promote."
    )
    said = f"would change: promote: nothing -> yes; {SO_FAR}{other}"
    assert f"promote: {said} (hint: type this)" in explained.not_done
    told = [line for event in bench.events for line in [narrate(event)] if line]
    assert any(said in line for line in told)


def test_a_guard_refuses(bench: Bench) -> None:
    ended = bench.execute(*chain(step("promote", "bench.promote"), step("redirect")))
    assert (ended.outcome, ended.exit_code) == (Outcome.REFUSED, 3)
    assert "no fence is proven" in ended.reason
    assert bench.outcomes() == {"promote": "refused", "redirect": "pending"}
    assert bench.world.effects == []
    assert ended.world is World.UNTOUCHED


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.DRY_RUN])
def test_what_a_guard_knows_to_type_is_the_runs_hint(bench: Bench, mode: Mode) -> None:
    ended = bench.execute(step("one", refuse="too much is lost", hint="type this"), mode=mode)
    assert (ended.outcome, ended.hint) == (Outcome.REFUSED, "type this")
    assert bench.state.step("one").hint == "type this"


def test_a_loss_that_a_person_accepts_is_told_at_the_start(bench: Bench) -> None:
    accepted = AcceptedLoss(at_most="unknown", by="ann", reason="customers wait")
    bench.execute(step("one"), accepted_loss=accepted)
    assert bench.kinds()[:3] == ["run.started", "lease.taken", "warned"]
    assert [warned.text for warned in bench.state.warnings] == [
        "ann accepted any data loss, even an unknown one: customers wait"
    ]


def test_a_failing_effect_is_tried_until_it_works(bench: Bench) -> None:
    ended = bench.execute(step("one", fails=2))
    assert ended.exit_code == 0
    assert bench.world.effects == ["one=yes"] * 3
    assert bench.state.step("one").attempts == 3


def test_attempts_are_counted(bench: Bench) -> None:
    ended = bench.execute(step("one", fails=9, attempts=2))
    assert ended.exit_code == 1
    assert bench.world.effects == ["one=yes"] * 2
    assert "after 2 attempts" in ended.reason


def test_an_effect_that_keeps_failing_is_told_once_with_its_reason_and_its_end(
    bench: Bench,
) -> None:
    bench.limits = replace(bench.limits, stuck=0.1)
    assert bench.execute(step("one", fails=4)).outcome is Outcome.SUCCEEDED
    (warned,) = [one for one in bench.state.warnings if one.about == NO_PROGRESS]
    assert warned.text.startswith("step one: one: not this time. It is tried again until 20")


def test_what_fails_for_a_moment_is_not_told(bench: Bench) -> None:
    assert bench.execute(step("one", fails=2)).outcome is Outcome.SUCCEEDED
    assert bench.state.warnings == ()


def test_what_is_reported_done_and_not_seen_fails_at_the_deadline(bench: Bench) -> None:
    ended = bench.execute(step("one", lies=True, deadline=Duration(0.3)))
    assert ended.outcome is Outcome.FAILED
    assert "left to change: one: nothing -> yes" in ended.reason


def test_a_failed_effect_is_not_begun_again_with_less_time_than_it_took(bench: Bench) -> None:
    ended = bench.execute(step("one", fails=9, takes=0.3, deadline=Duration(0.5)))
    assert bench.world.effects == ["one=yes"]
    assert "not done within 500ms: one: not this time" in ended.reason


def test_an_action_may_raise_anything(bench: Bench) -> None:
    bench.redactor.learn("s3cret")
    ended = bench.execute(step("one", raises="boom s3cret"))
    assert ended.outcome is Outcome.FAILED
    assert "RuntimeError: boom [secret]" in ended.reason


def test_an_action_that_hangs_after_its_intent_ends_in_doubt(bench: Bench) -> None:
    ended = bench.execute(step("one", hangs=True, deadline=Duration(0.2)), step("two"))
    assert (ended.outcome, ended.exit_code) == (Outcome.IN_DOUBT, 5)
    assert ended.world is World.IN_DOUBT
    assert bench.outcomes() == {"one": "in doubt", "two": "succeeded"}


def test_a_probe_that_hangs_beyond_its_deadline_has_failed_and_is_no_doubt(bench: Bench) -> None:
    probe = step("probe", purpose=Purpose.VERIFY, hangs=True, deadline=Duration(0.3))
    assert bench.execute(probe).outcome is Outcome.FAILED
    assert "still in a call" in bench.state.step("probe").reason


def test_an_effect_that_cannot_be_looked_at_ends_in_doubt(bench: Bench) -> None:
    engine = bench.engine(step("one", lies=True, deadline=Duration(0.4)))
    running = bench.in_background(engine)
    bench.until(lambda: bench.world.effects)
    bench.world.put("one.unreachable", "yes")
    assert running.wait().outcome is Outcome.IN_DOUBT


def test_an_unreachable_target_is_waited_for(bench: Bench) -> None:
    bench.world.put("one.unreachable", "yes")
    running = bench.in_background(bench.engine(step("one")))
    bench.until(lambda: "step.started" in bench.kinds())
    bench.world.put("one.unreachable", "")
    assert running.wait().exit_code == 0


def test_a_failed_step_stops_the_run_unless_it_may_go_on(bench: Bench) -> None:
    steps = chain(
        step("one", "bench.is", key="x", attempts=1, on_failure=OnFailure.CONTINUE),
        step("two", "bench.is", key="x", attempts=1),
        step("three"),
    )
    ended = bench.execute(*steps)
    assert ended.reason == "step two: x is ''"
    assert bench.outcomes() == {"one": "failed", "two": "failed", "three": "pending"}


def test_a_notice_never_blocks_and_never_fails_a_run(bench: Bench) -> None:
    steps = chain(
        step("tell", "bench.tell", text="x", breaks=True),
        step("hang", "bench.tell", text="x", hangs=True, deadline=Duration(0.2)),
        step("one"),
    )
    ended = bench.execute(*steps)
    assert ended.exit_code == 0
    assert bench.outcomes() == {"tell": "failed", "hang": "failed", "one": "succeeded"}


def test_passes_are_counted_in_a_row(bench: Bench) -> None:
    bench.world.put("x", "yes")
    bench.execute(step("look", "bench.is", key="x", passes=3))
    assert bench.world.effects == ["look:x"] * 3
    assert bench.state.step("look").answered is not None


def test_a_lost_lease_ends_all_effects(bench: Bench) -> None:
    bench.lease.lost_after = 2
    ended = bench.execute(*chain(step("one"), step("two"), step("three")))
    assert (ended.outcome, ended.exit_code) == (Outcome.REFUSED, 3)
    assert bench.world.effects == ["one=yes"]
    assert bench.state.lease_lost


def test_when_is_judged_and_templates_are_filled(bench: Bench) -> None:
    bench.world.put("one", "abc")
    steps = chain(
        step("look", "bench.is", key="one", value="abc"),
        step("two", value="{{ steps.look.value }}"),
        step("three", when="{{ steps.look.value == 'xyz' }}"),
    )
    bench.execute(*steps)
    assert bench.world.get("two") == "abc"
    assert bench.outcomes()["three"] == "skipped"


def test_a_field_that_does_not_fit_fails_the_step(bench: Bench) -> None:
    ended = bench.execute(step("one", fails="many"))
    assert ended.exit_code == 1
    assert "fails:" in ended.reason


def test_reversible_steps_are_unwound_newest_first(bench: Bench) -> None:
    steps = chain(
        step("one", "bench.prepare"),
        step("kept"),
        step("two", "bench.prepare"),
        step("bad", "bench.is", key="x", attempts=1, on_failure=OnFailure.UNWIND),
    )
    ended = bench.execute(*steps)
    assert (ended.outcome, ended.exit_code) == (Outcome.UNWOUND, 1)
    assert ended.reason.endswith("what was done is taken back, but step kept stays as it is")
    assert bench.world.effects[-2:] == ["undo:two", "undo:one"]
    assert bench.world.all() == {"one": "", "kept": "yes", "two": ""}


def test_nothing_is_unwound_across_a_promotion(bench: Bench) -> None:
    steps = chain(
        step("one", "bench.prepare"),
        step("fence", "bench.fence"),
        step("promote", "bench.promote"),
        step("bad", "bench.is", key="x", attempts=1, on_failure=OnFailure.UNWIND),
    )
    ended = bench.execute(*steps)
    assert ended.outcome is Outcome.FAILED
    assert not [one for one in bench.world.effects if one.startswith("undo")]
    assert [one.about for one in bench.state.warnings] == ["not_unwound"]


def test_a_rescue_runs_only_after_a_failure(bench: Bench) -> None:
    stage = step("stage")
    between = step("between", "bench.is", "stage", key="load", attempts=1)
    back = step("back", "bench.set", "stage", rescues=("between",), key="stage", value="old")
    ended = bench.execute(stage, between, back)
    assert ended.outcome is Outcome.FAILED
    assert bench.world.get("stage") == "old"


def stage_of_two(**said: Any) -> tuple[PlanStep, ...]:
    """A stage that sets two keys side by side, of which the first fails, and its way back."""
    both = ("to.a", "to.b")
    return (
        step("to.a", key="a", value="50", refuse="it says no"),
        step("to.b", key="b", value="50", **said),
        step("back.a", key="a", value="100", rescues=both),
        step("back.b", key="b", value="100", rescues=both),
    )


def test_a_rescue_waits_for_what_it_takes_back(bench: Bench) -> None:
    bench.world.put("a", "100")
    bench.world.put("b", "100")
    assert bench.execute(*stage_of_two(takes=0.5)).outcome is Outcome.REFUSED
    assert bench.outcomes()["to.b"] == "succeeded"
    assert bench.world.effects == ["b=50", "b=100"]
    assert (bench.world.get("a"), bench.world.get("b")) == ("100", "100")


def test_a_rescue_does_not_wait_for_what_never_began(bench: Bench) -> None:
    bench.world.put("a", "100")
    first, second, *back = stage_of_two()
    late = second.model_copy(update={"needs": ("to.a",)})
    bench.execute(first, late, *back)
    assert bench.outcomes() == {
        "to.a": "refused",
        "to.b": "pending",
        "back.a": "succeeded",
        "back.b": "succeeded",
    }


def test_a_rescue_waits_for_what_an_earlier_engine_began(bench: Bench) -> None:
    bench.world.put("a", "100")
    bench.world.put("b", "100")
    engine = bench.engine(*stage_of_two(takes=0.5))
    running = bench.in_background(engine)
    bench.until(lambda: bench.world.effects == ["b=50"])
    engine._context.inbox.put(Signalled(signal.SIGTERM))
    with pytest.raises(Interrupted):
        running.wait()
    assert bench.resume().outcome is Outcome.REFUSED
    assert bench.world.effects == ["b=50", "b=100"]
    assert bench.world.get("b") == "100"


def test_a_rescue_that_nobody_needs_is_skipped(bench: Bench) -> None:
    bench.world.put("load", "yes")
    between = step("between", "bench.is", key="load")
    back = step("back", "bench.set", rescues=("between",))
    assert bench.execute(between, back).exit_code == 0
    assert bench.outcomes() == {"between": "succeeded", "back": "skipped"}


def test_a_command_in_doubt_is_found(bench: Bench) -> None:
    bench.execute(step("one", "bench.run", script="one", doubt=True))
    assert bench.world.effects == ["run:one"]
    assert bench.state.step("one").adopted


def test_a_command_that_raises_anything_is_in_doubt_where_it_leaves_no_trace(bench: Bench) -> None:
    one = step("one", "bench.run", script="one", trace=False, raises="boom", repeatable=True)
    ended = bench.execute(one.model_copy(update={"attempts": 1}))
    assert (ended.outcome, ended.exit_code) == (Outcome.IN_DOUBT, 5)
    assert ended.reason.startswith("step one: RuntimeError: boom")
    assert bench.world.effects == ["run:one"]


def test_a_command_that_raises_anything_is_found_by_its_trace(bench: Bench) -> None:
    assert bench.execute(step("one", "bench.run", script="one", raises="boom")).exit_code == 0
    assert bench.world.effects == ["run:one"]


def test_a_command_that_failed_is_not_run_again_unasked(bench: Bench) -> None:
    ended = bench.execute(step("one", "bench.run", script="one", fails=1))
    assert ended.exit_code == 1
    assert bench.world.effects == ["run:one"]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"purpose": Purpose.VERIFY}, Outcome.FAILED),
        ({"purpose": Purpose.PROVISION, "repeatable": True}, Outcome.IN_DOUBT),
    ],
)
def test_a_command_that_is_in_doubt_again_and_again_is_tried_as_often_as_said(
    bench: Bench, said: dict[str, Any], outcome: Outcome
) -> None:
    one = step("one", "bench.run", script="one", trace=False, doubt=True, attempts=2, **said)
    assert bench.execute(one).outcome is outcome
    assert bench.world.effects == ["run:one"] * 2


def test_a_command_that_is_in_doubt_ends_with_its_deadline(bench: Bench) -> None:
    one = step("one", "bench.run", script="one", trace=False, doubt=True, purpose=Purpose.VERIFY,
               deadline=Duration(0.3), every=Duration(0.1))  # fmt: skip
    assert bench.execute(one).outcome is Outcome.FAILED
    assert 1 < len(bench.world.effects) < 20
    assert bench.state.step("one").reason.startswith("not done within")


def test_a_command_that_was_left_behind_is_not_begun_again(bench: Bench) -> None:
    one = step("one", "bench.run", script="one", trace=False, doubt=True, purpose=Purpose.VERIFY,
               takes=0.6, deadline=Duration(0.1))  # fmt: skip
    executor = Watched()
    ended = bench.execute(one, ports=bench.ports(executor=executor))
    assert ended.outcome is Outcome.FAILED
    assert "still in a call" in bench.state.step("one").reason
    assert executor.over.wait(5)
    assert bench.world.effects == ["run:one"]


def test_a_large_plan_runs(bench: Bench) -> None:
    steps = chain(*(step(f"s{number}", "bench.nothing") for number in range(100)))
    assert bench.execute(plan=plan_of(*steps)).exit_code == 0


def test_a_command_that_ends_between_two_looks_is_found_and_not_run_again(bench: Bench) -> None:
    ended = bench.execute(
        step("one", "bench.run", script="one", doubt=True, late=True, repeatable=True)
    )
    assert ended.exit_code == 0
    assert bench.world.effects == ["run:one"]
    assert bench.state.step("one").adopted

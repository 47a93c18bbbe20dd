from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from engine_bench import chain, plan_of, step

from drtool.model.change import Change
from drtool.model.event import (
    AbortAsked,
    Body,
    ConsentAsked,
    ConsentGiven,
    Event,
    Instant,
    ReportWritten,
    RunEnded,
    RunResumed,
    RunStarted,
    StepEnded,
    StepIntent,
    StepStarted,
    Via,
    Warned,
    World,
)
from drtool.model.place import Place
from drtool.model.plan import Objectives, Plan
from drtool.model.purpose import Mode, Outcome, Procedure, Purpose, StepKind
from drtool.progress.data_loss import data_loss
from drtool.progress.explain import explain
from drtool.progress.forecast import forecast
from drtool.progress.narrate import narrate
from drtool.progress.objectives import all_met, judge, recovery_seconds, split
from drtool.progress.run_state import RunState
from drtool.progress.state import Folder, fold
from drtool.progress.world import unserved
from drtool.units import Duration

BEGIN = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
STEPS = chain(
    step("loss", "bench.is", key="x", purpose=Purpose.ASSESS, budget=Duration(2)),
    step("consent", "bench.is", key="x", purpose=Purpose.ASSESS, budget=Duration(60)),
    step("fence", "bench.fence", budget=Duration(20)),
    step("promote", "bench.promote", budget=Duration(10)),
    step("redirect", "bench.redirect", budget=Duration(10)),
    step("accepted", "bench.is", key="x", budget=Duration(5)),
)
OBJECTIVES = Objectives(rto=Duration(300), rpo=Duration(10))


class Story:
    """Events at chosen seconds after the run's start."""

    def __init__(self, plan: Plan, *, outage: float | None = 60, mode: Mode = Mode.LIVE) -> None:
        self.events: list[Event] = []
        self.boot = "b1"
        start = BEGIN - timedelta(seconds=outage) if outage is not None else None
        self.at(
            0,
            RunStarted(
                plan=plan,
                mode=mode,
                requester="t",
                host="h",
                pid=1,
                version="0",
                engine="direct",
                outage_start=start,
            ),
        )

    def instant(self, second: float) -> Instant:
        return Instant(
            wall=BEGIN + timedelta(seconds=second), monotonic=1000 + second, boot=self.boot
        )

    def at(self, second: float, *bodies: Body) -> Story:
        for body in bodies:
            number = len(self.events) + 1
            self.events.append(Event(run="r", seq=number, at=self.instant(second), body=body))
        return self

    def step(self, name: str, begin: float, end: float, **said: object) -> Story:
        outcome = said.pop("outcome", Outcome.SUCCEEDED)
        self.at(begin, StepStarted(step=name, via=Via.DIRECT))
        if "intent" in said:
            seen = said.pop("intent")
            change = Change(subject=name, before="a", after="b")
            self.at(
                begin,
                StepIntent(
                    step=name,
                    seen=seen,
                    changes=(change,),
                    promotes=name == "promote",
                ),
            )
        return self.at(
            end,
            StepEnded(step=name, outcome=outcome, via=Via.DIRECT, seconds=end - begin, **said),
        )

    @property
    def state(self) -> RunState:
        return fold(self.events)


def told(procedure: Procedure = Procedure.FAILOVER, **said: object) -> Plan:
    return plan_of(*STEPS, procedure=procedure, objectives=OBJECTIVES, **said)


def failover(plan: Plan | None = None, outage: float | None = 60) -> Story:
    story = Story(plan or told(), outage=outage)
    story.step("loss", 0, 1, seen={"seconds": 3.0, "source": "heartbeat", "upper_bound": False})
    story.at(1, ConsentAsked(step="consent", what="approval"))
    story.at(31, ConsentGiven(step="consent", decision="approved", by="chief"))
    story.step("consent", 31, 31)
    story.step("fence", 31, 41, intent={})
    story.step("promote", 41, 43, intent={"loss": {"seconds": 4.5, "source": "heartbeat"}})
    story.step("redirect", 43, 44, intent={})
    return story.step("accepted", 44, 49, answered=story.instant(47))


def test_recovery_time_ends_at_the_first_success_from_outside() -> None:
    state = failover().state
    assert recovery_seconds(state) == pytest.approx(107)
    assert state.world is World.RECOVERED


def test_its_parts_add_up() -> None:
    parts = split(failover().state)
    assert (parts.detection, parts.decision) == (60, 30)
    assert (parts.execution, parts.convergence, parts.verification) == pytest.approx((14, 3, 2))


def test_what_is_published_or_restored_is_execution_where_nothing_is_moved() -> None:
    publish = step("publish", "bench.set", key="page", value="x", purpose=Purpose.PROVISION)
    look = step("answers", "bench.answers", purpose=Purpose.VERIFY, kind=StepKind.CHECK)
    story = Story(plan_of(publish, look, objectives=OBJECTIVES))
    story.step("publish", 0, 7, intent={})
    story.step("answers", 7, 10, answered=story.instant(9))
    parts = split(story.state)
    assert (parts.execution, parts.convergence) == pytest.approx((7, 2))


def test_a_promotion_that_was_skipped_has_recovered_nothing() -> None:
    story = Story(told())
    story.step("fence", 0, 2, intent={})
    for name in ("promote", "redirect"):
        story.step(name, 2, 2, outcome=Outcome.SKIPPED)
    story.step("accepted", 2, 3, answered=story.instant(3))
    assert story.state.world is World.FENCED
    skipped = unserved(story.state.steps)
    assert skipped is not None
    assert skipped.name == "promote"


def test_verdicts() -> None:
    verdicts = judge(failover().state, Outcome.SUCCEEDED)
    assert [(one.objective, one.measured_seconds, one.met) for one in verdicts] == [
        ("rto", pytest.approx(107), True),
        ("rpo", 4.5, True),
    ]
    assert all_met(verdicts)


def test_the_loss_is_the_one_that_the_promotion_saw() -> None:
    loss = data_loss(failover().state)
    assert loss is not None
    assert (loss.seconds, loss.source) == (4.5, "heartbeat")


def promoted(*losses: Mapping[str, object]) -> Story:
    """A failover of as many databases, each with what its promotion saw."""
    names = [f"promote_{number}" for number in range(len(losses))]
    steps = chain(*(step(name, "bench.promote") for name in names))
    story = Story(plan_of(*steps, procedure=Procedure.FAILOVER, objectives=OBJECTIVES))
    for number, (name, loss) in enumerate(zip(names, losses, strict=True)):
        story.step(name, number, number + 1, intent={"loss": {"source": "heartbeat", **loss}})
    return story


def test_of_several_promotions_the_one_that_loses_most_counts() -> None:
    loss = data_loss(promoted({"seconds": 0.0, "upper_bound": True}, {"seconds": 3600.0}).state)
    assert loss is not None
    assert (loss.seconds, loss.upper_bound) == (3600.0, True)
    lost = {"seconds": None, "reason": "no sample"}
    unknown = data_loss(promoted({"seconds": 0.0}, lost, {"seconds": 5.0}).state)
    assert unknown is not None
    assert (unknown.seconds, unknown.source) == (None, "no sample")


def test_what_was_promoted_before_a_run_looked_has_lost_nobody_knows_how_much() -> None:
    story = promoted({"seconds": None, "already_primary": True})
    loss = data_loss(story.state)
    assert loss is not None
    assert (loss.seconds, loss.source) == (None, "promoted before this run looked")


def test_how_far_a_new_standby_is_behind_is_no_data_loss() -> None:
    plan = plan_of(
        *chain(
            step("promote", "bench.promote"),
            step("caught_up", "bench.is", key="x", place=Place(site="east")),
        ),
        procedure=Procedure.FAILOVER,
        objectives=OBJECTIVES,
    )
    story = Story(plan).step("promote", 0, 1, intent={})
    story.step("caught_up", 1, 2, seen={"seconds": 0.0, "source": "received up to 0/1"})
    assert data_loss(story.state) is None


def test_an_unknown_outage_start_is_never_met() -> None:
    state = failover(outage=None).state
    verdict = judge(state, Outcome.SUCCEEDED)[0]
    assert (verdict.measured_seconds, verdict.met) == (None, None)
    assert verdict.note == "the outage's start is not known"
    assert not all_met(judge(state, Outcome.SUCCEEDED))
    assert split(state).detection is None


def test_a_success_before_the_promotion_is_not_the_recovery() -> None:
    story = Story(told())
    story.step("loss", 0, 1, answered=story.instant(0.5))
    story.step("fence", 1, 2, intent={}).step("promote", 2, 3, intent={})
    assert recovery_seconds(story.state) is None


def test_a_jump_of_the_wall_clock_does_not_count() -> None:
    story = failover()
    events = [
        event
        if event.seq < 8
        else event.model_copy(
            update={
                "at": event.at.model_copy(update={"wall": event.at.wall + timedelta(hours=1)}),
            }
        )
        for event in story.events
    ]
    assert recovery_seconds(fold(events)) == pytest.approx(107)


def test_downtime_of_a_switchover_runs_from_the_first_fence() -> None:
    plan = told(Procedure.SWITCHOVER)
    verdicts = judge(failover(plan).state, Outcome.SUCCEEDED)
    assert [one.objective for one in verdicts] == ["downtime"]
    assert verdicts[0].measured_seconds == pytest.approx(16)
    assert verdicts[0].met is None
    assert all_met(verdicts)


def test_the_worlds_on_the_way() -> None:
    story = failover()
    worlds = [fold(story.events[:number]).world for number in range(1, len(story.events) + 1)]
    seen = list(dict.fromkeys(worlds))
    assert seen == [
        World.UNTOUCHED,
        World.PREPARED,
        World.FENCED,
        World.PROMOTED,
        World.REDIRECTED,
        World.RECOVERED,
    ]


def test_an_effect_without_an_outcome_is_in_doubt_once_the_engine_is_gone() -> None:
    story = Story(told()).step("fence", 1, 2, intent={})
    story.at(3, StepStarted(step="promote", via=Via.DIRECT))
    story.at(3, StepIntent(step="promote", seen={}, changes=(), promotes=True))
    assert story.state.world is World.FENCED
    assert story.state.world_if_stopped is World.IN_DOUBT
    assert story.state.past_no_return


def test_the_forecast_counts_what_is_left() -> None:
    story = Story(told()).step("loss", 0, 1)
    story.at(1, StepStarted(step="consent", via=Via.DIRECT))
    ahead = forecast(story.state, story.instant(11))
    assert ahead.finish_in_seconds == pytest.approx(50 + 45)
    assert ahead.elapsed_seconds == pytest.approx(71)
    assert ahead.recovery_seconds == pytest.approx(71 + 95)
    assert not ahead.rto_at_risk


def test_the_rto_is_at_risk_before_it_is_missed() -> None:
    story = Story(told(), outage=210).step("loss", 0, 1)
    ahead = forecast(story.state, story.instant(2))
    assert ahead.elapsed_seconds is not None
    assert ahead.elapsed_seconds < 300
    assert ahead.rto_at_risk
    assert ahead.text() == "RTO at risk: the forecast is 5 min 17 s, the objective 5m"


def ended(
    story: Story, outcome: Outcome, world: World, code: int = 1, reason: str = "x"
) -> RunState:
    story.at(60, RunEnded(outcome=outcome, exit_code=code, world=world, reason=reason))
    return story.state


def test_explain_a_fence_that_was_not_proven() -> None:
    story = Story(told(source="orders.yaml"))
    story.step("fence", 1, 61, intent={}, outcome=Outcome.REFUSED, reason="nothing answers")
    said = explain(ended(story, Outcome.REFUSED, World.IN_DOUBT, 3, "the fence is not proven"))
    assert "refused" in said.title
    assert said.world.startswith("IN DOUBT. east could not be proven fenced")
    assert len(said.options) == 3
    assert said.options[1].command.endswith("--state-fenced 'how you know'")
    assert "fence (it fences): refused: nothing answers" in said.not_done


def test_explain_a_run_that_is_fenced_and_no_more() -> None:
    story = Story(told(source="orders.yaml")).step("fence", 1, 2, intent={})
    story.at(3, AbortAsked(by="chief"))
    said = explain(ended(story, Outcome.ABORTED, World.FENCED, 4))
    assert "NOTHING IS WRITABLE" in said.world
    assert "safe" not in said.world.lower()
    assert said.options[0].command == (
        "drtool failover orders.yaml --from east --to west --outage-since 2026-03-01T02:59:00Z"
    )
    assert "To release east instead" in said.options[1].consequence


@pytest.mark.parametrize("world", list(World))
@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.FAILED, Outcome.IN_DOUBT])
def test_every_end_is_explained_with_three_options(world: World, outcome: Outcome) -> None:
    said = explain(ended(failover(), outcome, world))
    assert len(said.options) == 3
    assert said.world
    assert said.why
    assert len({option.command for option in said.options}) == 3


@pytest.mark.parametrize("alive", [True, False, None])
def test_a_run_under_way_is_explained(alive: bool | None) -> None:
    story = Story(told()).step("loss", 0, 1)
    story.at(1, ConsentAsked(step="consent", what="approval", of="chief", text="consent of chief"))
    said = explain(story.state, alive=alive)
    assert len(said.options) == 3
    if alive is False:
        assert "interrupted" in said.title
        assert said.options[0].command == "drtool resume r"
    else:
        assert said.options[0].command == "drtool approve r consent --service orders"


def test_a_dry_run_is_explained() -> None:
    said = explain(ended(Story(told(), mode=Mode.DRY_RUN), Outcome.SUCCEEDED, World.UNTOUCHED, 0))
    assert "nothing is changed" in said.world


def test_a_report_that_could_not_be_written_is_not_told_as_one() -> None:
    story = failover().at(60, ReportWritten(trouble="disk full"))
    assert (narrate(story.events[-1], story.state) or "").endswith("no report: disk full")


def test_each_event_is_told_in_one_line() -> None:
    story = failover()
    story.at(50, Warned(about="rto_at_risk", text="two\nlines"), AbortAsked(by="chief"))
    folder = Folder()
    lines = []
    for event in story.events:
        folder.apply(event)
        lines.append(narrate(event, folder.state))
    assert all(line is not None and "\n" not in line for line in lines)
    assert lines[0] is not None
    assert lines[0].startswith(
        "03:00:00.000Z run started: failover of orders east -> west, live, "
        "outage since 2026-03-01 02:59:00Z, asked by t"
    )
    asked = next(line for line in lines if line and "waiting for approval" in line)
    assert "drtool approve r consent --service orders" in asked


def test_the_time_without_an_engine_is_told_apart() -> None:
    story = failover()
    del story.events[-2:]  # the last step
    story.at(64, RunResumed(by="t", host="h", pid=2, version="0"))
    state = story.step("accepted", 64, 69, answered=story.instant(67)).state
    parts = split(state)
    assert (parts.interruption, parts.decision, parts.execution) == (20, 30, 0)
    assert parts.convergence == pytest.approx(17)
    assert split(failover().state).interruption is None


def test_a_wait_for_a_person_that_outlives_its_engine_is_decision_alone() -> None:
    story = Story(told()).step("loss", 0, 1)
    story.at(1, ConsentAsked(step="consent", what="approval"))
    story.at(21, RunResumed(by="t", host="h", pid=2, version="0"))
    story.at(31, ConsentGiven(step="consent", decision="approved", by="chief"))
    assert (split(story.state).decision, split(story.state).interruption) == (30, 0)


def test_of_many_attempts_a_few_are_told_and_a_resumption_parts_the_story() -> None:
    story = Story(told())
    for attempt in range(1, 18):
        story.at(attempt, StepStarted(step="fence", via=Via.DIRECT, attempt=attempt))
    story.at(20, RunResumed(by="ann", host="h", pid=2, version="0"))
    lines = [narrate(event) for event in story.events[1:]]
    told_of = [number for number, line in enumerate(lines[:-1], 1) if line]
    assert told_of == [1, 2, 4, 8, 16]
    assert str(lines[-1]).endswith("run RESUMED by ann; what stands above was before")

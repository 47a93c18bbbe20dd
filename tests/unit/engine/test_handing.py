"""A planned run is handed over to a failover: both name the other, and the lease is never free."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from engine_bench import Bench, Running, approval, chain, plan_of, step

from drtool.engine.handing import escalation_asked
from drtool.engine.ports import Ports, Resumption, RunSettings
from drtool.engine.run import Engine
from drtool.errors import Unreachable
from drtool.model.event import Request, RunStarted, StepIntent, StepStarted, Via, World
from drtool.model.plan import PlanStep
from drtool.model.purpose import Mode, Outcome, Procedure
from drtool.model.steering import EscalationAsked
from drtool.progress.run_state import RunState
from drtool.progress.state import fold

HEIR = "r2"


@dataclass
class Heir:
    """A failover of one step, with the lease of the run before it."""

    bench: Bench
    asked: EscalationAsked
    dismissed: bool = False
    released_before: int = -1
    engine: Engine | None = None

    def begin(self) -> None:
        self.released_before = self.bench.lease.released
        settings = RunSettings(
            run=self.asked.heir, plan=plan_of(step("fence", "bench.fence")), mode=Mode.LIVE,
            requester=self.asked.by, outage_start=self.asked.outage_start,
            outage_source=self.asked.outage_source, escalates=self.bench.run,
        )  # fmt: skip
        self.engine = Engine(settings, self.bench.ports())
        self.engine.begin()

    def carry(self) -> int:
        assert self.engine is not None
        return self.engine.execute().exit_code

    def dismiss(self) -> None:
        self.dismissed = True

    @property
    def state(self) -> RunState:
        return fold(self.bench.journal.events(HEIR))


class Heirs:
    """Makes one heir ready, when it may, or says why there is none."""

    def __init__(self, bench: Bench, refusal: str = "") -> None:
        self._bench, self._refusal = bench, refusal
        self.may = threading.Event()
        self.may.set()
        self.asked_for = threading.Event()
        self.heir: Heir | None = None

    def __call__(self, request: Request) -> Heir:
        self.asked_for.set()
        assert self.may.wait(10)
        if self._refusal:
            raise Unreachable("west.orders_db", self._refusal)
        self.heir = Heir(self._bench, escalation_asked(request, self._bench.state, HEIR))
        return self.heir


def ports(bench: Bench, heirs: Callable[[Request], Heir]) -> Ports:
    return replace(bench.ports(), ready_heir=heirs)


def begun(bench: Bench, heirs: Heirs, *steps: PlanStep) -> Running:
    plan = plan_of(*chain(*steps), procedure=Procedure.SWITCHOVER)
    return bench.in_background(bench.engine(plan=plan, ports=ports(bench, heirs)))


def warned(bench: Bench, text: str) -> Callable[[], bool]:
    return lambda: any(text in one.text for one in bench.state.warnings)


def test_a_run_is_handed_over_while_its_fence_is_under_way(bench: Bench) -> None:
    heirs = Heirs(bench)
    running = begun(bench, heirs, step("demote", "bench.fence", lies=True),
                    step("promote", "bench.promote"))  # fmt: skip
    bench.until(lambda: bench.world.effects)
    bench.ask("escalate", by="ann", reason="east is dark")
    ended = running.wait()
    assert (ended.outcome, ended.exit_code, ended.heir) == (Outcome.HANDED_OVER, 4, HEIR)
    assert ended.reason == "ann asked for a failover: run r2 goes on: east is dark"
    assert ended.world is World.IN_DOUBT
    assert bench.outcomes() == {"demote": "handed over", "promote": "pending"}
    heir = heirs.heir
    assert heir is not None
    assert running.engine.heir is heir
    assert (heir.released_before, bench.lease.released) == (0, 0)
    assert heir.carry() == 0
    running.engine.settle()
    assert bench.lease.released == 1
    assert heir.state.escalates == bench.run
    assert heir.state.requester == "ann"
    fence_began = bench.state.fence_began
    assert fence_began is not None
    assert heir.state.outage_start == fence_began.wall
    assert heir.state.outage_source == "run r1 began to take the service away"


def test_what_is_not_known_of_the_outage_is_not_measured(bench: Bench) -> None:
    heirs = Heirs(bench)
    running = begun(bench, heirs, step("look", "bench.is", key="x"), step("promote"))
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("escalate")
    assert running.wait().world is World.UNTOUCHED
    assert heirs.heir is not None
    assert heirs.heir.asked.outage_start is None
    assert heirs.heir.asked.outage_source == "not measured"


def test_what_a_person_knows_of_the_outage_counts(bench: Bench) -> None:
    heirs, since = Heirs(bench), bench.clock.wall()
    running = begun(bench, heirs, step("look", "bench.is", key="x"), step("promote"))
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("escalate", outage_start=since)
    running.wait()
    assert heirs.heir is not None
    assert heirs.heir.asked.outage_start == since


@pytest.mark.parametrize("waits", ["approval", "pause", "call"])
def test_it_is_handed_over_out_of_every_wait(bench: Bench, waits: str) -> None:
    """A step that hangs in a call is left, and its heir looks at what it did."""
    first = {"approval": approval("wait"), "call": step("wait", hangs=True)}.get(
        waits, step("wait", "bench.is", key="x")
    )
    running = begun(bench, Heirs(bench), first, step("two"))
    bench.until(lambda: bench.asked("wait") if waits == "approval" else bench.world.effects)
    if waits == "pause":
        bench.ask("pause")
        bench.until(lambda: bench.state.paused)
        bench.world.put("x", "yes")
        bench.until(lambda: bench.outcomes()["wait"] == "succeeded")
    bench.ask("escalate")
    assert running.wait().outcome is Outcome.HANDED_OVER
    assert bench.outcomes()["wait"] == ("succeeded" if waits == "pause" else "handed over")


def test_a_failover_that_cannot_be_made_ready_leaves_the_run_as_it_was(bench: Bench) -> None:
    running = begun(bench, Heirs(bench, "does not answer"), step("look", "bench.is", key="x"))
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("escalate")
    bench.until(warned(bench, "escalate by chief: west.orders_db: does not answer"))
    bench.world.put("x", "yes")
    assert running.wait().exit_code != 4
    assert bench.state.escalation is None


def test_nothing_begins_while_a_failover_is_made_ready(bench: Bench) -> None:
    heirs = Heirs(bench)
    heirs.may.clear()
    running = begun(bench, heirs, step("look", "bench.is", key="x"), step("two"))
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("escalate")
    assert heirs.asked_for.wait(10)
    bench.world.put("x", "yes")
    bench.until(lambda: bench.outcomes()["look"] == "succeeded")
    bench.ask("continue")
    bench.until(warned(bench, "is not paused"))
    assert bench.outcomes()["two"] == "pending"
    heirs.may.set()
    assert running.wait().outcome is Outcome.HANDED_OVER


@pytest.mark.parametrize(
    ("steps", "procedure", "said"),
    [
        (("fence", "promote"), Procedure.SWITCHOVER, "the promotion of west was begun"),
        ((), Procedure.FAILOVER, "only a switchover or a failback is handed over"),
    ],
)
def test_what_is_not_handed_over(
    bench: Bench, steps: tuple[str, ...], procedure: Procedure, said: str
) -> None:
    made = [step(name, f"bench.{name}") for name in steps]
    plan = plan_of(*chain(*made, step("look", "bench.is", key="x")), procedure=procedure)
    running = bench.in_background(bench.engine(plan=plan, ports=ports(bench, Heirs(bench))))
    bench.until(lambda: "look:x" in bench.world.effects)
    bench.ask("escalate")
    bench.until(warned(bench, said))
    bench.ask("abort")
    assert running.wait().outcome is Outcome.ABORTED


def test_a_run_whose_engine_is_gone_is_handed_over(bench: Bench) -> None:
    plan = plan_of(step("demote", "bench.fence"), procedure=Procedure.SWITCHOVER)
    started = RunStarted(plan=plan, mode=Mode.LIVE, requester="tester", host="h", pid=1,
                         version="0", engine="direct")  # fmt: skip
    bench.journal.append(bench.run, started, StepStarted(step="demote", via=Via.DIRECT),
                         StepIntent(step="demote", seen={}, changes=()))  # fmt: skip
    events = bench.events
    heir = Heir(bench, EscalationAsked(by="ann", heir=HEIR))
    resumed = Resumption(tuple(events), "ann", asked=(heir.asked,))
    engine = Engine(resumed, replace(bench.ports(), heir=heir))
    ended = engine.execute()
    engine.settle()
    assert (ended.outcome, ended.heir) == (Outcome.HANDED_OVER, HEIR)
    assert fold(bench.events).step("demote").outcome is Outcome.HANDED_OVER
    assert heir.state.escalates == bench.run


def test_what_is_being_handed_over_is_not_aborted_under_its_heir(bench: Bench) -> None:
    bench.limits = replace(bench.limits, grace=2.0)
    running = begun(bench, Heirs(bench), step("wait", hangs=True))
    bench.until(lambda: bench.world.effects)
    bench.ask("escalate")
    bench.until(lambda: bench.state.escalation)
    bench.ask("abort")
    bench.until(warned(bench, "abort by chief: run r1: is being handed over to run r2"))
    assert running.wait().outcome is Outcome.HANDED_OVER
    assert bench.state.abort is None

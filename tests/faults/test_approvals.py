"""F62: approvers that are revoked, runbooks that change, engines that die while people think."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from engine_bench import Bench, Running, approval, chain, plan_of, step
from fault_record import Fault
from signed_people import People

from drtool.engine.run import Engine
from drtool.model.approving import ApprovalGiven, ApprovalVoided
from drtool.model.event import ConsentAsked
from drtool.model.inventory import Inventory
from drtool.model.plan import Approval, Plan
from drtool.model.purpose import Outcome
from drtool.units import Duration

pytestmark = pytest.mark.faults


class File:
    """The inventory's file, as it is today."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.without: tuple[str, ...] = ()

    def __call__(self) -> Inventory | None:
        return self.people.inventory(without=self.without)


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def plan(people: People, *between: Any, count: int = 2) -> Plan:
    asked = approval("consent", budget=Duration(60))
    asked = asked.model_copy(update={"approval": Approval(of="commander", count=count)})
    return plan_of(
        *chain(asked, *between, step("fence", "bench.fence"), step("promote", "bench.promote")),
        inventory=people.inventory(),
    )


def killed_while_waiting(
    bench: Bench, wanted: Plan, people: People, meanwhile: Callable[[], None]
) -> None:
    """Begin the run in a process of its own, and kill that when ``meanwhile`` has been done."""
    signed = people.signed("operator", "drtool start 2\n")
    child = os.fork()
    if child == 0:
        try:
            Bench(bench.directory).engine(plan=wanted, signed=signed).execute()
        finally:
            os._exit(0)
    try:
        bench.until(lambda: bench.asked("consent"), 60)
        meanwhile()
    finally:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the engine had ended before it was killed"


def resumed(bench: Bench, **ports: Any) -> Running:
    running = Running(cast("Engine", Resumed(bench, ports)))
    bench.until(lambda: any(event.body.kind == "run.resumed" for event in bench.events), 60)
    return running


class Resumed:
    """What ``Running`` wants of an engine."""

    def __init__(self, bench: Bench, ports: dict[str, Any]) -> None:
        self._bench, self._ports = bench, ports

    def execute(self) -> Any:
        return self._bench.resume(**self._ports)


def asked(bench: Bench) -> list[ConsentAsked]:
    return [event.body for event in bench.events if isinstance(event.body, ConsentAsked)]


def voided(bench: Bench) -> list[ApprovalVoided]:
    return [event.body for event in bench.events if isinstance(event.body, ApprovalVoided)]


def count(bench: Bench) -> int:
    return sum(isinstance(event.body, ApprovalGiven) for event in bench.events)


def test_f62_a_question_and_its_first_approval_survive_a_killed_engine(
    bench: Bench, people: People, fault: Fault
) -> None:
    def one_of_two() -> None:
        people.answer(bench, "consent", "first")
        bench.until(lambda: count(bench), 60)

    killed_while_waiting(bench, plan(people), people, one_of_two)
    fault.injected("the engine was killed while it waited, one of two having approved")
    before = bench.state.waiting_for[0]
    running = resumed(bench, inventory_now=File(people))
    bench.until(lambda: bench.state.waiting_for, 60)
    assert asked(bench) == [before.asked], "the same question, with its own end"
    assert bench.state.waiting_for[0].approvals == before.approvals
    people.answer(bench, "consent", "second")
    assert running.wait(60).exit_code == 0
    assert bench.world.effects == ["fence=yes", "promote=yes"]


def test_f62_an_approval_left_while_no_engine_lived_counts(
    bench: Bench, people: People, fault: Fault
) -> None:
    killed_while_waiting(bench, plan(people, count=1), people, lambda: None)
    fault.injected("the engine was killed while it waited")
    people.answer(bench, "consent", "first")
    assert count(bench) == 0
    assert resumed(bench).wait(60).exit_code == 0
    assert bench.state.step("consent").reason == "approved by first"


def test_f62_an_approver_whose_key_is_gone_after_a_restart_is_void(
    bench: Bench, people: People, fault: Fault
) -> None:
    def one_of_two() -> None:
        people.answer(bench, "consent", "first")
        bench.until(lambda: count(bench), 60)

    killed_while_waiting(bench, plan(people), people, one_of_two)
    file = File(people)
    file.without = ("first",)
    running = resumed(bench, inventory_now=file)
    bench.until(lambda: voided(bench), 60)
    (void,) = voided(bench)
    fault.injected("killed while it waited, and the first key is gone")
    fault.got(void.reason)
    assert (void.by, void.reason.endswith("is not one of first in the inventory any more")) == (
        "first",
        True,
    )
    assert bench.state.waiting_for[0].approvals == ()
    people.answer(bench, "consent", "second")
    people.answer(bench, "consent", "first")
    bench.until(lambda: any("any more" in one.text for one in bench.state.warnings), 60)
    assert bench.world.effects == []
    people.answer(bench, "consent", "third")
    assert running.wait(60).exit_code == 0


def test_f62_a_key_that_goes_while_the_others_are_waited_for(
    bench: Bench, people: People, fault: Fault
) -> None:
    file = File(people)
    running = started(bench, people, plan(people), file)
    people.answer(bench, "consent", "first")
    bench.until(lambda: count(bench), 60)
    file.without = ("first",)
    people.answer(bench, "consent", "second")
    bench.until(lambda: voided(bench), 60)
    fault.injected("the first key went while the second was waited for")
    assert bench.state.waiting_for, "two were wanted, and one of them is void"
    assert bench.world.effects == []
    people.answer(bench, "consent", "third")
    assert running.wait(60).exit_code == 0
    assert bench.state.step("consent").reason == "approved by second and third"


def started(bench: Bench, people: People, wanted: Plan, file: File) -> Running:
    ports = replace(bench.ports(), inventory_now=file)
    signed = people.signed("operator", "drtool start 2\n")
    running = bench.in_background(bench.engine(plan=wanted, ports=ports, signed=signed))
    bench.until(lambda: bench.asked("consent"), 60)
    return running


def revoked_before_the_fence(bench: Bench, people: People, fault: Fault) -> Running:
    """A run whose approval came from a key that the inventory has lost since; it asks anew."""
    file = File(people)
    gate = step("look", "bench.is", key="gate", deadline=Duration(60))
    running = started(bench, people, plan(people, gate, count=1), file)
    people.answer(bench, "consent", "first")
    bench.until(lambda: "look:gate" in bench.world.effects, 60)
    file.without = ("first",)
    bench.world.put("gate", "yes")
    bench.until(lambda: bench.asked("fence"), 60)
    fault.injected("the key that approved is gone before the fence")
    return running


def test_f62_an_approver_revoked_before_the_first_effect_is_asked_for_again(
    bench: Bench, people: People, fault: Fault
) -> None:
    running = revoked_before_the_fence(bench, people, fault)
    again = bench.state.waiting_for[0].asked
    assert (again.of, again.needs, again.instead_of) == ("commander", 1, "consent")
    assert again.text.startswith("The approval of consent is void: key SHA256:")
    fault.got(again.text)
    assert again.changes == asked(bench)[0].changes
    assert "fence=yes" not in bench.world.effects
    people.answer(bench, "fence", "second")
    assert running.wait(60).exit_code == 0
    assert len(asked(bench)) == 2, "the promotion is covered by what was approved anew"


def test_f62_a_revoked_approval_that_nobody_renews_changes_nothing(
    bench: Bench, people: People, fault: Fault
) -> None:
    running = revoked_before_the_fence(bench, people, fault)
    people.answer(bench, "fence", "second", "deny")
    assert running.wait(60).outcome is Outcome.ABORTED
    assert bench.world.get("fence") == ""


def test_f62_after_the_first_effect_a_revoked_key_stops_nothing(
    bench: Bench, people: People, fault: Fault
) -> None:
    """To wait for a person between the fence and the promotion would be an outage."""
    file = File(people)
    asked_ = approval("consent", budget=Duration(60))
    asked_ = asked_.model_copy(update={"approval": Approval(of="commander", count=1)})
    steps = chain(
        asked_,
        step("fence", "bench.fence"),
        step("look", "bench.is", key="gate", deadline=Duration(60)),
        step("promote", "bench.promote"),
    )
    running = started(bench, people, plan_of(*steps, inventory=people.inventory()), file)
    people.answer(bench, "consent", "first")
    bench.until(lambda: "look:gate" in bench.world.effects, 60)
    file.without = ("first",)
    fault.injected("the key that approved is gone after the fence")
    bench.world.put("gate", "yes")
    assert running.wait(60).exit_code == 0
    assert len(asked(bench)) == 1


def test_f62_what_would_change_differs_after_a_restart_so_it_is_asked_again(
    bench: Bench, people: People, fault: Fault
) -> None:
    def one_of_two() -> None:
        people.answer(bench, "consent", "first")
        bench.until(lambda: count(bench), 60)

    killed_while_waiting(bench, plan(people), people, one_of_two)
    bench.world.put("fence", "yes")
    fault.injected("killed while it waited, and the world is another")
    running = resumed(bench)
    bench.until(lambda: len(asked(bench)) == 2, 60)
    assert [one.by for one in voided(bench)] == ["first"]
    (waiting,) = bench.state.waiting_for
    assert waiting.approvals == ()
    for name in ("first", "second"):
        people.answer(bench, "consent", name)
    assert running.wait(60).exit_code == 0


def test_f62_an_edited_runbook_does_not_run_and_its_approval_is_none(
    bench: Bench, people: People, fault: Fault
) -> None:
    killed_while_waiting(bench, plan(people, count=1), people, lambda: None)
    running = resumed(bench)
    people.answer(bench, "consent", "first", changed={"plan": {"digest": "of the edited one"}})
    bench.until(lambda: bench.state.warnings, 60)
    fault.injected("an approval of the edited runbook was given")
    assert "is for something else: plan of the edited one, not d" in bench.state.warnings[-1].text
    fault.got(bench.state.warnings[-1].text)
    assert bench.asked("consent")
    people.answer(bench, "consent", "first")
    assert running.wait(60).exit_code == 0


def test_f61_a_duplicate_approval_counts_once_and_a_late_one_is_told(
    bench: Bench, people: People, fault: Fault
) -> None:
    gate = step("look", "bench.is", key="gate", deadline=Duration(60))
    running = started(bench, people, plan(people, gate), File(people))
    for _ in range(2):
        people.answer(bench, "consent", "first")
    bench.until(lambda: bench.state.warnings, 60)
    fault.injected("the same approval came twice")
    fault.got(bench.state.warnings[0].text)
    assert "first has answered already; the first decision counts" in bench.state.warnings[0].text
    assert count(bench) == 1
    assert bench.world.effects == []
    people.answer(bench, "consent", "second")
    bench.until(lambda: "look:gate" in bench.world.effects, 60)
    bench.ask("deny", "consent", by="third")
    bench.until(lambda: len(bench.state.warnings) > 1, 60)
    assert "was approved by first and second already" in bench.state.warnings[1].text
    bench.world.put("gate", "yes")
    assert running.wait(60).exit_code == 0


def test_f61_an_approval_after_the_end_of_the_wait_is_expired(
    bench: Bench, people: People, fault: Fault
) -> None:
    late = approval("consent", budget=Duration(0.5), otherwise="continue")
    late = late.model_copy(update={"approval": Approval(of="commander", otherwise="continue")})
    gate = step("look", "bench.is", key="gate", deadline=Duration(60))
    running = started(
        bench, people, plan_of(*chain(late, gate), inventory=people.inventory()), File(people)
    )
    bench.until(lambda: "look:gate" in bench.world.effects, 60)
    bench.ask("approve", "consent", by="first")
    bench.until(lambda: bench.state.warnings, 60)
    fault.injected("an approval came after the wait was over")
    fault.got(bench.state.warnings[0].text)
    assert "step consent has expired" in bench.state.warnings[0].text
    assert "came too late" in bench.state.warnings[0].text
    bench.world.put("gate", "yes")
    assert running.wait(60).exit_code == 0

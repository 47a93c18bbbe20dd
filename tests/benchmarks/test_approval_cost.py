"""What signed approvals cost: to judge one, and to have two over a planned switchover."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from engine_bench import Bench, chain, plan_of, step
from signed_people import People
from unit.engine.test_quorum import begin, consent, given

from drtool.connections.ssh_signature import reason_not_signed
from drtool.engine.renewing import renew
from drtool.model.approving import ApprovalGiven
from drtool.model.event import Request
from drtool.verbs.people_now import InventoryNow


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_to_judge_an_answer_takes_next_to_no_time(bench: Bench, people: People) -> None:
    """All that signatures add between a person's answer and the first effect, per answer."""
    running = begin(bench, people)
    engine = running.engine
    people.answer(bench, "consent", "first")
    running.wait()
    consent_ = bench.state.consents[0]
    only = consent_.approvals[0]
    quorum = engine._context.quorum
    now = [replace(consent_) for _ in range(50)]
    began = time.perf_counter()
    for one in now:
        assert only.signed is not None
        reason_not_signed(only.signed.message, only.signed.signature, only.signed.key)
        assert quorum.reason_void(one.asked, only) is None
    each = (time.perf_counter() - began) / len(now)
    print(f"{each * 1000:.3f} ms for each answer")
    assert each < 0.005


def test_given_approvals_cost_a_planned_switchover_less_than_five_milliseconds(
    bench: Bench, people: People
) -> None:
    """Two signatures, and a look at the inventory's date before each of ten effects."""
    file = bench.directory / "inventory.yaml"
    file.write_text("stands for the one that was read")
    inventory = people.inventory(needs=2)
    steps = chain(consent(2), *(step(f"s{number}") for number in range(10)))
    plan = plan_of(*steps, inventory=inventory)
    ports = replace(bench.ports(), inventory_now=InventoryNow(file, inventory))
    signed = people.signed("operator", "drtool start 2\n")
    running = bench.in_background(bench.engine(plan=plan, ports=ports, signed=signed))
    bench.until(lambda: bench.asked("consent"))
    asked = bench.state.waiting_for[0].asked
    for name in ("first", "second"):
        people.answer(bench, "consent", name)
    running.wait()
    context = running.engine._context
    requests = [
        Request(run="r1", verb="approve", by=one.by, at=datetime.now(UTC), signed=one.signed)
        for one in given(bench)
    ]
    given_before = given(bench)
    began = time.perf_counter()
    for request in requests:
        assert isinstance(context.quorum.judge(asked, (), request), ApprovalGiven)
    for one in plan.steps[1:]:
        renew(context, one, lambda _: pytest.fail("nothing is void"), lambda _: None)
        # before the first effect each approval is judged once more; here before every one
        assert not any(context.quorum.reason_void(asked, each) for each in given_before)
    took = time.perf_counter() - began
    print(f"{took * 1000:.3f} ms in all")
    assert took < 0.005

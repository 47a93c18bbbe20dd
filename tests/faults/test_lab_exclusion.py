"""One run per service, from however many machines, and what another machine takes over."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest
from fault_record import Fault
from lab_runs import ADDRESS, EAST, WEST, Operator, PracticeLab, Typed, wait_until

from drtool.model.event import World
from drtool.model.proof import ProofKind
from drtool.model.purpose import Outcome

pytestmark = [pytest.mark.lab, pytest.mark.faults, pytest.mark.slow_fault]
Machines = Callable[[str], Operator]
FAILOVER = ("--from", EAST, "--to", WEST, "--outage-since", "1s")
STARTS = 20


def run_of(typed: Typed) -> str:
    return str(json.loads(typed.out)["run"])


def begin_all(operators: list[Operator]) -> list[Typed]:
    """Type the same failover on all machines at the same moment."""
    begun = [operator.begin(*operator.words("failover", *FAILOVER)) for operator in operators]
    said = []
    for process in begun:
        out, err = process.communicate(timeout=90)
        assert "Traceback" not in out + err
        said.append(Typed(process.returncode, out, err))
    return said


def test_f12_of_20_starts_at_the_same_moment_one_runs_and_19_name_it(
    lab: PracticeLab, operator: Operator, fault: Fault
) -> None:
    said = begin_all([operator] * STARTS)
    fault.injected(f"{len(said)} starts at the same moment")
    running = [typed for typed in said if typed.code == 0]
    refused = [typed for typed in said if typed.code != 0]
    assert (len(running), len(refused)) == (1, STARTS - 1), [typed.said for typed in said]
    run = run_of(running[0])
    for typed in refused:
        assert typed.code == 3, typed.said
        assert run in typed.err, typed.said
        assert f"drtool attach {run}" in typed.err, typed.said
    assert [one.run for one in operator.runs()] == [run]
    operator.wait_for_consent(run)
    denied = operator.type("deny", run, "consent", "--reason", "only practice")
    assert denied.code == 0, denied.said
    operator.follow(run, consent=False)
    assert lab.whole


def test_f63_of_two_machines_with_journals_of_their_own_one_is_refused_by_the_arbiter(
    lab: PracticeLab, machines: Machines, fault: Fault
) -> None:
    both = [machines("left"), machines("right")]
    said = begin_all(both)
    fault.injected(f"{len(said)} machines started at the same moment")
    assert sorted(typed.code for typed in said) == [0, 3], [typed.said for typed in said]
    winner = next(one for one, typed in zip(both, said, strict=True) if typed.code == 0)
    loser = next(one for one in both if one is not winner)
    run = run_of(next(typed for typed in said if typed.code == 0))
    refusal = next(typed for typed in said if typed.code == 3)
    assert run in refusal.err
    assert "postgresql west.orders_db" in refusal.err
    assert len(refusal.err.strip().splitlines()) <= 4, refusal.err
    fault.got(refusal.err)
    assert loser.runs() == []
    winner.wait_for_consent(run)
    winner.type("deny", run, "consent")
    ran = winner.follow(run, consent=False)
    assert ran.code == 4
    assert lab.whole


def test_f64_a_second_operator_takes_over_from_a_machine_that_is_destroyed_after_the_fence(
    lab: PracticeLab, machines: Machines, fault: Fault
) -> None:
    first, second = machines("destroyed"), machines("spare")
    lab.place_orders(EAST)
    before = lab.world()
    lab.cut_power(EAST)
    run = first.start("failover", *FAILOVER, DRTOOL_CRASH_AT="step.outcome-written fence")
    first.wait_for_consent(run)
    engine = first.engine(run)
    assert engine is not None
    first.approve(run, "consent")
    wait_until(lambda: not engine.runs)
    assert lab.site(EAST).power.restore_policy == "AlwaysOff"
    shutil.rmtree(first.home)
    assert not first.home.exists()
    fault.injected("east is fenced, the engine dead and its journal gone")

    ran = second.fail_over()
    assert (ran.code, ran.report.outcome, ran.report.world) == (
        0,
        Outcome.SUCCEEDED,
        World.RECOVERED,
    ), ran.said
    fence = ran.step("fence")
    assert fence.adopted
    assert fence.attempts == 1
    (proof,) = ran.report.proofs
    assert proof.proof.kind is ProofKind.POWER
    assert proof.proof.at >= ran.report.started

    after = lab.world()
    assert after.roles == {EAST: "stopped", WEST: "primary"}
    assert after.timelines[WEST] == (before.timelines[EAST] or 0) + 1
    assert after.names == {EAST: None, WEST: ADDRESS[WEST]}
    assert before.orders <= after.orders
    assert len(before.orders) >= 3

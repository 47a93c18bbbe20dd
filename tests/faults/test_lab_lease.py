"""A frozen engine in the lab, whose lease another operator takes by force."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from fault_record import Fault
from lab_runs import EAST, WEST, Operator, PracticeLab, wait_until

from drtool.model.event import LeaseEnded, StepIntent, Warned, World
from drtool.model.purpose import Outcome

pytestmark = [pytest.mark.lab, pytest.mark.faults, pytest.mark.slow_fault]
FAILOVER = ("--from", EAST, "--to", WEST, "--outage-since", "1s")
BY_FORCE = ("--take-over", "--reason", "the laptop of the first one is frozen")


def test_f08_a_frozen_engine_is_overtaken_by_force_and_promotes_nobody_when_it_wakes(
    lab: PracticeLab, machines: Callable[[str], Operator], fault: Fault
) -> None:
    first, second = machines("frozen"), machines("spare")
    lab.place_orders(EAST)
    before = lab.world()
    lab.cut_power(EAST)
    run = first.start("failover", *FAILOVER)
    first.wait_for_consent(run)
    engine = first.engine(run)
    assert engine is not None
    engine.send(signal.SIGSTOP)
    wait_until(lambda: "(stopped)" in Path(f"/proc/{engine.pid}/status").read_text())
    fault.injected(f"engine {engine.pid} is stopped while it holds the session at {WEST}")

    refused = second.type(*second.words("failover", *FAILOVER))
    assert refused.code == 3, refused.said
    assert run in refused.err
    assert "--take-over --reason" in refused.err
    ran = second.carry("failover", *FAILOVER, *BY_FORCE)
    assert (ran.code, ran.report.outcome, ran.report.world) == (
        0,
        Outcome.SUCCEEDED,
        World.RECOVERED,
    ), ran.said
    (told,) = [
        event.body.text
        for event in second.events(ran.report.run)
        if isinstance(event.body, Warned) and event.body.about == "lease_taken_over"
    ]
    assert run in told
    assert "the laptop of the first one is frozen" in told

    engine.send(signal.SIGCONT)
    first.approve(run, "consent")
    late = first.follow(run, consent=False)
    assert late.report.outcome is Outcome.REFUSED, late.said
    # it has looked, found done what the other one did, and begun nothing of its own
    assert not [one for one in first.events(run) if isinstance(one.body, StepIntent)]
    (ended,) = [one.body for one in first.events(run) if isinstance(one.body, LeaseEnded)]
    assert ended.lost
    fault.got(ended.reason)
    after = lab.world()
    assert after.roles == {EAST: "stopped", WEST: "primary"}
    assert after.timelines[WEST] == (before.timelines[EAST] or 0) + 1
    assert before.orders <= after.orders

"""Promise 8: Prefect, Slack, a DNS server and the whole old site cut off at once, without a word.

The sites and helpers are machines on a network with cables (``netns``); pulled cables drop every
packet. There are no metrics to cut: drtool reads none in a run.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from fault_record import Fault
from lab_runs import ADDRESS, EAST, RUNBOOK, WEST, Document, Operator, PracticeLab, Ran, wait_until
from net_lab import CONTROLLERS, apart, net_lab
from netns import Net, dropped, reason_for_none
from slack_standin import CHANNEL, TOKEN, SlackStandIn

from drtool.lab import prefect_server
from drtool.model.event import Via
from drtool.model.purpose import Outcome

pytestmark = [pytest.mark.lab, pytest.mark.faults, pytest.mark.slow_fault, pytest.mark.timeout(300)]
CUT = (EAST, "helpers")
# The engine flushes for at most 5 s after the journal's last event; the rest is a busy machine's.
LEAVES_WITHIN = 5.0 + 3.0


@dataclass
class Stage:
    """Everything that a run may use, and the means to cut it off."""

    net: Net
    lab: PracticeLab
    slack: SlackStandIn
    operator: Operator
    inventory: Path

    @property
    def helpers(self) -> dict[str, tuple[str, int]]:
        """Where everything answers that is cut."""
        ports, slack = self.lab.ports, self.slack.url.split("/")[2].split(":")
        prefect = prefect_server.reach(self.lab.layout).api_url.split("/")[2].split(":")
        return {
            "postgresql": (ADDRESS[EAST], ports.postgresql),
            "ssh": (ADDRESS[EAST], ports.ssh),
            "dns": self.lab.layout.identity().dns[EAST],
            "orders": (ADDRESS[EAST], ports.orders),
            "prefect": (prefect[0], int(prefect[1])),
            "slack": (slack[0], int(slack[1])),
        }

    def cut(self) -> None:
        """All at once; from here on nothing of it is even refused."""
        assert not self.silent()
        self.net.cut(*CUT)
        assert self.silent() == set(self.helpers), "the injection took effect"

    def silent(self) -> set[str]:
        """What neither takes nor refuses a connection; all are asked side by side."""
        with ThreadPoolExecutor(len(self.helpers)) as asking:
            asked = {name: asking.submit(dropped, *where) for name, where in self.helpers.items()}
        return {name for name, one in asked.items() if one.result()}

    def start(self) -> str:
        """A failover that goes through Prefect where it can."""
        found = prefect_server.reach(self.lab.layout)
        words = ("--from", EAST, "--to", WEST, "--outage-since", "1s", "--json", "--detach")
        typed = self.operator.type(
            "failover", RUNBOOK, "--inventory", self.inventory, "--engine", "auto", *words,
            **found.environment(),
        )  # fmt: skip
        assert typed.code == 0, typed.said
        return str(json.loads(typed.out)["run"])


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    if reason := reason_for_none():
        pytest.skip(f"no machines with cables here: {reason}")
    with net_lab(tmp_path / "lab") as (net, lab), contextlib.ExitStack() as cleaning:
        with net.inside("helpers"):
            slack = SlackStandIn("127.0.5.1")
        cleaning.callback(slack.close)
        token = lab.layout.secret("slack")
        token.write_text(TOKEN)
        token.chmod(0o600)

        def change(document: Document) -> None:
            apart(document)
            spoken = {"channel": CHANNEL, "token": {"secret": "file:secrets/slack"}}
            document["notify"] = {"slack": {**spoken, "url": slack.url}}

        yield Stage(net, lab, slack, Operator(lab, tmp_path / "home"), lab.inventory(change))


def assert_recovered(stage: Stage, ran: Ran, left_after: float) -> None:
    """The objectives are met, each step within its budget, and the world says so too."""
    assert ran.code == 0, ran.printed + ran.said
    assert ran.report.outcome is Outcome.SUCCEEDED
    assert {line.objective: line.judgement for line in ran.report.objectives} == {
        "rto": "met", "rpo": "met",
    }  # fmt: skip
    (proof,) = ran.report.proofs
    assert proof.proof.kind.value == "power", "the controller has a network of its own"
    late = {
        step.name: step.seconds
        for step in ran.report.steps
        if step.budget and step.name != "consent" and (step.seconds or 0) > step.budget.seconds
    }
    assert not late, "what is cut costs at most its stated limits"
    assert left_after <= LEAVES_WITHIN
    lab = stage.lab
    assert lab.site(WEST).postgresql.state == "primary"
    assert lab.site(WEST).dns.endpoint_address == ADDRESS[WEST]
    assert "ns_east" in json.dumps([event.model_dump(mode="json") for event in ran.events])
    assert not dropped(CONTROLLERS[EAST], lab.ports.power)
    assert stage.silent() == set(stage.helpers), "all was cut until the end"


def told(ran: Ran, left_after: float) -> str:
    """What came of it, in figures."""
    seconds = ran.report.recovery_seconds or 0
    return f"recovered after {seconds:.1f} s, objectives met, left after {left_after:.1f} s"


def leave(stage: Stage, run: str) -> tuple[Ran, float]:
    """Follow the run; how long its engine went on after the last event."""
    ran = stage.operator.follow(run)
    ended, engine = ran.events[-1].at.wall, stage.operator.engine(run)
    wait_until(lambda: engine is None or not engine.runs, 60)
    return ran, time.time() - ended.timestamp()


def test_f59_f61_all_helpers_and_the_old_site_are_cut_before_the_start(
    stage: Stage, fault: Fault
) -> None:
    stage.cut()
    fault.injected(f"not a packet passes to {', '.join(stage.helpers)}")
    began = time.monotonic()
    run = stage.start()
    ran, left_after = leave(stage, run)
    assert_recovered(stage, ran, left_after)
    assert time.monotonic() - began < 60
    assert {step.via for step in ran.report.steps if step.via} == {Via.DIRECT}
    fault.got(told(ran, left_after))


def test_f59_f61_all_helpers_and_the_old_site_are_cut_in_the_middle_of_the_run(
    stage: Stage, fault: Fault
) -> None:
    run = stage.start()
    stage.operator.wait_for_consent(run)
    wait_until(stage.slack.thread, 60)
    assert stage.operator.report(run).engine == "prefect"
    stage.cut()
    fault.injected(f"not a packet passes any more to {', '.join(stage.helpers)}")
    ran, left_after = leave(stage, run)
    assert_recovered(stage, ran, left_after)
    fault.got(told(ran, left_after))

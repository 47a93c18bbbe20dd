"""The lab's primary is lost, and a watch starts the failover that its inventory allows."""

from __future__ import annotations

import pytest
from fault_record import Fault
from lab_runs import EAST, WEST, Document, Operator, PracticeLab, wait_until
from watched_service import MovedClock

from drtool.bootstrap import App
from drtool.catalog import Catalog
from drtool.model.event import RunStarted
from drtool.redact import Redactor
from drtool.runbook.load import load
from drtool.safety.outage import Word
from drtool.verbs.watch.service import Watch, WatchOptions

pytestmark = [pytest.mark.lab, pytest.mark.faults, pytest.mark.slow_fault, pytest.mark.timeout(300)]
WHO = "Ann Example"


def test_f57_what_was_allowed_starts_by_itself_and_still_asks_people(
    spoiled_lab: PracticeLab, operator: Operator, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    def watched(document: Document) -> None:
        orders = document["services"]["orders"]
        orders["automatic"] = {"failover": {"runbook": str(book), "allowed_by": WHO}}

    lab = spoiled_lab
    book = lab.runbook(lambda document: None)
    inventory = lab.inventory(watched)
    for name, value in operator.surroundings(DRTOOL_ENGINE="direct").items():
        monkeypatch.setenv(name, value)
    clock = MovedClock()
    app = App(home=operator.home, clock=clock, redactor=Redactor(), catalog=Catalog.load())
    watch = Watch(app, [load(book, inventory, app.catalog, {})], WatchOptions())
    watch.look()
    assert watch.services[0].verdict.word is Word.WELL, watch.services[0].verdict.reason
    lab.place_orders(EAST)
    lab.cut_power(EAST)
    wait_until(lambda: looks_out(watch), 60)
    began = watch.services[0].verdict.since
    fault.injected(watch.services[0].verdict.reason)
    for _ in range(20):
        clock.moved += 5
        watch.look()
    assert operator.runs(), [one.text for one in watch.findings]
    (run,) = operator.runs()
    assert run.automatic
    ran = operator.follow(run.run)
    assert ran.code in {0, 6}, ran.said
    begun = ran.events[0].body
    assert isinstance(begun, RunStarted)
    assert begun.automatic is not None
    assert begun.automatic.by == WHO
    assert begun.outage_start == began
    assert begun.outage_source.startswith("the first signal to fail: ")
    assert "nobody typed this: drtool watch started it" in ran.report.model_dump_json()
    assert ran.step("consent").outcome.value == "succeeded"
    assert lab.world().roles == {EAST: "stopped", WEST: "primary"}
    again = operator.words(
        "failover", "--from", EAST, "--to", WEST, inventory=inventory, runbook=book
    )
    warned = operator.type(*again)
    assert warned.code == 0, warned.said
    assert "it may be flapping" in warned.err
    fault.got(f"run {run.run} was started by itself, and a person consented")
    watch.close()


def looks_out(watch: Watch) -> bool:
    """Whether two places have begun to say so."""
    watch.look()
    return "that count as an outage" in watch.services[0].verdict.reason

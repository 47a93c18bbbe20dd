"""Whoever follows a run can neither hold it up nor keep quiet about what was not passed on."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from engine_bench import Bench, step

from drtool.engine.ports import Listener
from drtool.model.event import Event, ReportWritten, RunEnded


class Ear:
    """A listener that is told what it could not pass on."""

    def __init__(self, *untold: str) -> None:
        self.heard: list[str] = []
        self.asked: list[float] = []
        self._untold = untold

    def hear(self, event: Event) -> None:
        self.heard.append(event.body.kind)

    def account(self, seconds: float) -> tuple[str, ...]:
        self.asked.append(seconds)
        return self._untold


class Deaf(Ear):
    """A listener that hangs at the first event."""

    def __init__(self) -> None:
        super().__init__("nothing was passed on")
        self.go_on = threading.Event()

    def hear(self, event: Event) -> None:
        self.go_on.wait(60)


class Broken(Ear):
    """A listener that raises, whatever it is asked."""

    def hear(self, event: Event) -> None:
        raise OSError(event.body.kind)

    def account(self, seconds: float) -> tuple[str, ...]:
        raise OSError(str(seconds))


def heard_by(bench: Bench, *listeners: Listener) -> RunEnded:
    return bench.execute(step("one"), ports=replace(bench.ports(), listeners=listeners))


def test_a_listener_hears_all_up_to_the_run_s_end_before_it_is_asked(bench: Bench) -> None:
    ear = Ear()
    assert heard_by(bench, ear).exit_code == 0
    assert ear.heard == bench.kinds()
    assert ear.heard[-2:] == ["run.ended", "lease.ended"]
    assert len(ear.asked) == 1


def test_what_was_not_passed_on_stands_in_journal_and_report(bench: Bench) -> None:
    reports: list[list[str]] = []

    def report(run: str) -> ReportWritten:
        reports.append([warned.text for warned in bench.state.warnings])
        return ReportWritten(html=f"{run}.html")

    ports = replace(bench.ports(), listeners=(Ear("nobody was told"),), report=report)
    bench.execute(step("one"), ports=ports)
    assert reports == [[], ["nobody was told"]]
    assert bench.state.warnings[-1].about == "notices"
    assert bench.kinds().count("report.written") == 1


@pytest.mark.parametrize("listener", [Deaf(), Broken()])
def test_a_listener_that_hangs_or_raises_costs_the_run_nothing(bench: Bench, listener: Ear) -> None:
    healthy = Ear()
    assert heard_by(bench, listener, healthy).exit_code == 0
    assert healthy.heard == bench.kinds()[:-1]
    assert bench.kinds()[-1] == "warned"
    if isinstance(listener, Deaf):
        assert listener.asked == [0.0]
        listener.go_on.set()

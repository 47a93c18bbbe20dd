"""Nothing is cut on a narrow terminal, and no screen says that something goes on which does not."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console
from told_states import RUN, Told

from drtool.cli import overview, planned, show
from drtool.cli.picture import picture
from drtool.journal.summary import RunSummary
from drtool.model.event import Warned
from drtool.model.pulse import Life, Living
from drtool.model.purpose import Mode, Outcome, Procedure, StepKind
from drtool.progress.explain import explain
from drtool.progress.run_state import RunState
from drtool.runbook.limits import TimeLimits
from drtool.units import Duration
from drtool.verbs.records import Runs

Shown = Callable[..., str]
GONE = Life(word=Living.GONE, pid=1)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What a screen prints at a terminal of so many columns."""

    def print_it(width: int, screen: Callable[..., Any], *said: Any) -> str:
        out = io.StringIO()
        console = Console(
            file=out, force_terminal=True, width=width, color_system=None, highlight=False
        )
        for module in (show, overview, planned):
            monkeypatch.setattr(module, "console", lambda **_: console)
        screen(*said)
        text = out.getvalue()
        assert "…" not in text
        return text

    return print_it


def promoting() -> RunState:
    """A failover whose promotion has begun and not ended."""
    told = Told(Procedure.FAILOVER).through(3)
    return told.begin(told.steps[3]).state


def summary(run: str) -> RunSummary:
    state = promoting()
    return RunSummary(
        run=run, service="orders", runbook="orders", procedure=Procedure.REPROTECT,
        mode=Mode.DRY_RUN, from_site="east", to_site="west", requester="ann",
        started=state.started, ended=state.last, outcome=Outcome.SUCCEEDED,
        pid=1, host="h", boot="b",
    )  # fmt: skip


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_a_run_id_is_there_to_be_copied(shown: Shown, width: int) -> None:
    text = shown(width, overview.runs, Runs(runs=(summary(RUN),)))
    assert RUN in text
    assert "dry-run" in text


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_plan_names_every_action_and_step_whole(shown: Shown, width: int) -> None:
    plan = Told(Procedure.FAILOVER).plan
    limits = TimeLimits(
        procedure=Procedure.FAILOVER, objective="RTO", allowed=Duration(300),
        budgets=Duration(5), people=Duration(0), worst=Duration(60),
    )  # fmt: skip
    text = shown(width, planned.plan, plan, limits)
    for step in plan.steps:
        assert step.name in text
        assert step.action in text or step.kind is StepKind.APPROVAL
    assert "after " in text
    assert "RTO: 5s of the 5m allowed" in text


@pytest.mark.parametrize("width", [40, 60, 100])
def test_an_explanation_names_its_run_and_hangs_what_is_wrapped(shown: Shown, width: int) -> None:
    said = explain(promoting(), alive=False)
    long = "fence: " + "stopped over SSH, " * 12
    text = shown(width, show.explanation, said.model_copy(update={"done": (long, "next")}))
    assert RUN in text.replace("\n", "")
    within = [line.strip("│╭╰─ \n") for line in text.splitlines()]
    began = next(i for i, line in enumerate(within) if line.startswith("fence: stopped"))
    wrapped = text.splitlines()[began + 1]
    assert wrapped.startswith("│      "), "further in than where a line begins"
    assert "│    next " in text


def test_with_its_engine_gone_a_step_is_in_doubt_and_does_not_run(shown: Shown) -> None:
    state = promoting()
    later = state.last.model_copy(update={"monotonic": state.last.monotonic + 500})

    def at(life: Life | None) -> str:
        return shown(100, lambda: show.console().print(picture(state, later, life)))

    assert "running" in at(None)
    assert "▶" in at(None)
    gone = at(GONE)
    assert "engine gone" in gone
    assert "running" not in gone
    assert "▶" not in gone
    assert "forecast" not in gone
    assert "8 min" in at(None), "a step that runs is timed"
    assert gone.count("8 min") == 0, "what was left is not"


def test_who_broke_the_glass_is_told_once(shown: Shown) -> None:
    told = Told(Procedure.FAILOVER, break_glass="nobody else is awake")
    told.tell(Warned(about="break-glass", text="BREAK-GLASS: ann began this run: nobody else"))
    state = told.state
    text = shown(100, lambda: show.console().print(picture(state, state.last)))
    assert text.count("BREAK-GLASS") == 1


def test_a_run_that_has_ended_is_not_timed_so_far(shown: Shown) -> None:
    def at(state: RunState) -> str:
        return shown(100, lambda: show.console().print(picture(state, state.last)))

    told = Told(Procedure.REPROTECT)
    assert "so far" in at(told.state)
    text = at(told.rest(0).over())
    assert "so far" not in text
    assert "in all" in text

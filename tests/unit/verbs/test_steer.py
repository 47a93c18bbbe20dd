"""What is asked of a run at the wrong moment is refused in one line, with what to type."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from engine_bench import chain, plan_of, step

from drtool import __version__
from drtool.bootstrap import App, build
from drtool.errors import BadInput, DrtoolError, JournalUnusable
from drtool.model.event import (
    AbortAsked,
    Body,
    ConsentAsked,
    Request,
    RunEnded,
    RunStarted,
    StepEnded,
    StepIntent,
    StepStarted,
    Via,
    Warned,
    World,
)
from drtool.model.purpose import Mode, Outcome, Procedure
from drtool.model.steering import EscalationAsked, RunPaused, StepDirected, UnwindAsked
from drtool.process import identity
from drtool.verbs.escalate import escalate
from drtool.verbs.records import state_of
from drtool.verbs.resume import resume
from drtool.verbs.steer import Steered, go_on, pause, retry, skip, told, unwind

VERBS: dict[str, Callable[[str], object]] = {
    "pause": pause,
    "continue": go_on,
    "retry": lambda run: retry(run, "one"),
    "skip": lambda run: skip(run, "one", "why not"),
    "unwind": lambda run: unwind(run, "why not"),
    "escalate": escalate,
}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("DRTOOL_HOME", str(tmp_path))
    return build()


def run_of(app: App, *bodies: Body, alive: bool = True, **said: object) -> str:
    given = {"procedure": Procedure.SWITCHOVER, **said}
    plan = plan_of(*chain(step("one", "bench.is", key="x"), step("fence", "bench.fence"),
                          step("promote", "bench.promote")), **given)  # fmt: skip
    begun = RunStarted(
        plan=plan, mode=Mode.LIVE, requester="t", host="h", version=__version__, engine="direct",
        pid=os.getpid(), process=identity(os.getpid()) if alive else "1",
    )  # fmt: skip
    journal = app.journal()
    run = journal.new_run_id()
    journal.append(run, begun, *bodies)
    journal.close()
    return run


def refused(verb: Callable[[str], object], run: str) -> DrtoolError:
    with pytest.raises(DrtoolError) as told:
        verb(run)
    assert "\n" not in told.value.line()
    assert told.value.hint
    return told.value


def pending(app: App, run: str) -> list[Request]:
    journal = app.records()
    try:
        return journal.pending(run)
    finally:
        journal.close()


LOOKING = StepStarted(step="one", via=Via.DIRECT)
ENDED = RunEnded(outcome=Outcome.FAILED, exit_code=1, world=World.UNTOUCHED, reason="x")
ENDED_ONE = StepEnded(step="one", outcome=Outcome.SKIPPED, via=Via.DIRECT)
FENCED = (
    StepStarted(step="fence", via=Via.DIRECT),
    StepIntent(step="fence", seen={}, changes=()),
    StepEnded(step="fence", outcome=Outcome.SUCCEEDED, via=Via.DIRECT),
)
PROMOTING = (
    StepStarted(step="promote", via=Via.DIRECT),
    StepIntent(step="promote", seen={}, changes=(), promotes=True),
)


@pytest.mark.parametrize("verb", VERBS)
def test_a_run_that_is_not_there(app: App, verb: str) -> None:
    run_of(app)
    error = refused(VERBS[verb], "nobody")
    assert (error.exit_code, error.hint) == (2, "drtool runs")


@pytest.mark.parametrize("verb", VERBS)
def test_a_run_that_has_ended(app: App, verb: str) -> None:
    run = run_of(app, LOOKING, ENDED)
    error = refused(VERBS[verb], run)
    assert error.exit_code == 2
    assert "has ended: failed" in error.line()
    assert error.hint.startswith("drtool failover" if verb == "escalate" else "drtool explain")


@pytest.mark.parametrize("verb", VERBS)
def test_a_run_that_was_handed_over(app: App, verb: str) -> None:
    over = RunEnded(outcome=Outcome.HANDED_OVER, exit_code=4, world=World.UNTOUCHED, heir="r9")
    error = refused(VERBS[verb], run_of(app, over))
    assert (error.exit_code, error.hint) == (2, "drtool attach r9")


@pytest.mark.parametrize("verb", ["pause", "retry", "skip"])
def test_an_engine_that_is_gone(app: App, verb: str) -> None:
    run = run_of(app, LOOKING, alive=False)
    error = refused(VERBS[verb], run)
    assert (error.exit_code, error.found) == (2, "its engine is gone")
    assert error.hint == f"drtool resume {run}"


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "asked",
    [
        AbortAsked(by="ben"),
        UnwindAsked(by="ben"),
        EscalationAsked(by="ben", heir="r9"),
        Warned(about="unwinding", text="taking back what was done"),
    ],
    ids=lambda body: body.kind,
)
@pytest.mark.parametrize("alive", [True, False])
def test_a_run_that_is_ending_already(app: App, verb: str, asked: Body, alive: bool) -> None:
    run = run_of(app, LOOKING, asked, alive=alive)
    error = refused(VERBS[verb], run)
    assert error.exit_code == 2
    wanted = f"drtool attach {run}" if alive else f"its engine is gone: drtool resume {run}"
    assert error.hint == wanted


@pytest.mark.parametrize("verb", VERBS)
def test_a_journal_that_was_copied_from_another_machine(
    app: App, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(app, LOOKING)
    monkeypatch.setattr("drtool.journal.opening.machine_id", lambda: "another")
    with pytest.raises(JournalUnusable, match="it was written on another machine") as told:
        VERBS[verb](run)
    assert "DRTOOL_HOME" in told.value.hint


def test_a_step_that_is_not_there(app: App) -> None:
    run = run_of(app, LOOKING)
    for error in (
        refused(lambda said: retry(said, "nobody"), run),
        refused(lambda said: skip(said, "nobody", "why not"), run),
    ):
        assert error.exit_code == 2
        assert "one of one, fence, promote" in error.line()


@pytest.mark.parametrize(
    ("verb", "bodies", "told"),
    [
        ("pause", (RunPaused(by="ben"),), (2, "ben has paused it already", "drtool continue")),
        ("continue", (), (2, "is not paused", "drtool attach")),
        ("retry", (), (2, "has not begun", "drtool status")),
        ("unwind", (*FENCED, *PROMOTING), (3, "a promotion was begun", "drtool abort")),
        ("unwind", FENCED, (3, "step fence has fenced east", "drtool abort")),
        ("escalate", PROMOTING, (3, "the promotion of west was begun", "drtool attach")),
    ],
)
def test_what_is_asked_at_the_wrong_moment(
    app: App, verb: str, bodies: tuple[Body, ...], told: tuple[int, str, str]
) -> None:
    code, said, hint = told
    error = refused(VERBS[verb], run_of(app, *bodies))
    assert error.exit_code == code
    assert said in error.line()
    assert error.hint.startswith(hint)


@pytest.mark.parametrize("verb", ["retry", "skip"])
def test_a_word_about_a_step_that_waits_says_which_question_was_read(app: App, verb: str) -> None:
    asked = ConsentAsked(
        step="one", what="decision", text="it failed", expires=datetime(2030, 1, 1, tzinfo=UTC)
    )
    run = run_of(app, LOOKING, asked)
    VERBS[verb](run)
    (request,) = pending(app, run)
    assert (request.expires, request.changes_digest) == (asked.expires, "")


@pytest.mark.parametrize("bodies", [(), (LOOKING, ENDED_ONE)])
def test_a_skip_is_said_again_only_while_its_step_is_at_work(
    app: App, bodies: tuple[Body, ...]
) -> None:
    left_out = StepDirected(step="one", verb="skip", by="ann", reason="known")
    error = refused(VERBS["skip"], run_of(app, *bodies, left_out))
    assert "ann has it left out already" in error.line()
    run = run_of(app, LOOKING, left_out)
    VERBS["skip"](run)
    assert [request.verb for request in pending(app, run)] == ["skip"]


@pytest.mark.parametrize("name", ["fence", "promote"])
def test_what_is_never_left_out(app: App, name: str) -> None:
    run = run_of(app)
    error = refused(lambda said: skip(said, name, "why not"), run)
    assert error.exit_code == 3
    assert pending(app, run) == []


def test_a_failover_is_not_escalated(app: App) -> None:
    error = refused(escalate, run_of(app, procedure=Procedure.FAILOVER))
    assert (error.exit_code, "only a switchover or a failback" in error.line()) == (2, True)


def test_what_waits_for_an_approval_is_not_tried_again(app: App) -> None:
    asked = ConsentAsked(step="one", what="approval", of="commander", text="may it be")
    run = run_of(app, LOOKING, asked)
    error = refused(lambda said: retry(said, "one"), run)
    assert error.hint == f"drtool approve {run} one --service orders"


def test_a_run_whose_heir_has_begun_is_ended_and_leads_to_it(app: App) -> None:
    run = run_of(app, EscalationAsked(by="ben", heir="r9"), alive=False)
    journal = app.journal()
    journal.append("r9", journal.events(run)[0].body)
    journal.close()
    launched = resume(run)
    assert (launched.run, launched.warnings) == ("r9", (f"run {run} was handed over to run r9",))
    ended = state_of(run, app)[1].ended
    assert ended is not None
    assert (ended.outcome, ended.heir) == (Outcome.HANDED_OVER, "r9")


@pytest.mark.parametrize("verb", ["skip", "unwind"])
def test_a_word_that_needs_a_reason(app: App, verb: str) -> None:
    run = run_of(app, LOOKING)
    speak = {"skip": lambda said: skip(said, "one", " "), "unwind": lambda said: unwind(said, "")}
    error = refused(speak[verb], run)
    assert isinstance(error, BadInput)
    assert "no reason is given" in error.line()


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("pause", "what is under way goes to its end (one); nothing more begins until drtool cont"),
        ("retry", "step one is asked to try again now"),
        ("skip", "step one is left out, by your word"),
    ],
)
def test_what_is_asked_lies_ready_for_the_engine(app: App, verb: str, said: str) -> None:
    run = run_of(app, LOOKING)
    steered = VERBS[verb](run)
    assert isinstance(steered, Steered)
    assert said in told(steered, as_json=False)
    assert json.loads(told(steered, as_json=True)) == {"run": run, "text": steered.text}
    (request,) = pending(app, run)
    assert (request.verb, request.step) == (verb, "" if verb == "pause" else "one")
    assert request.by

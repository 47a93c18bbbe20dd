"""A run is taken up by one engine, from all that the engine before it has written."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_bench import plan_of, step

from drtool import __version__
from drtool.bootstrap import App, build
from drtool.errors import BadInput, Refused
from drtool.journal.alone import carry_alone
from drtool.model.event import RunEnded, RunStarted, World
from drtool.model.plan import Plan
from drtool.model.purpose import Mode, Outcome
from drtool.progress.state import Folder
from drtool.verbs.launch import Launched
from drtool.verbs.resume import Known, resume, take_up

RUN = "r1"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """A home with a run whose engine is gone."""
    monkeypatch.setenv("DRTOOL_HOME", str(tmp_path))
    app = build()
    _begin(app, RUN, plan_of(step("one", "bench.is", key="x")))
    return app


def _begin(app: App, run: str, plan: Plan) -> None:
    journal = app.journal()
    begun = RunStarted(
        plan=plan, mode=Mode.LIVE, requester="t", host="h",
        version=__version__, engine="direct", pid=1, process="1",
    )  # fmt: skip
    journal.append(run, begun)
    journal.close()


def test_a_run_that_another_engine_takes_up_is_refused(app: App) -> None:
    told: list[Launched] = []
    other = carry_alone(app.home, RUN)
    with pytest.raises(BadInput, match="another engine carries it already"):
        take_up(RUN, app, told.append)
    other.release()
    assert told == []
    assert [one.body.kind for one in app.records().events(RUN)] == ["run.started"]


def test_a_run_that_has_ended_since_it_was_read_is_refused(app: App) -> None:
    known, journal = Known([], Folder()), app.journal()
    known.bring_up(journal, RUN)
    journal.append(RUN, RunEnded(outcome=Outcome.FAILED, exit_code=1, world=World.UNTOUCHED))
    journal.close()
    with pytest.raises(BadInput, match="run r1: has ended"):
        take_up(RUN, app, lambda _: None, known=known)


def test_a_step_whose_command_is_not_known_any_more_is_not_run(app: App) -> None:
    """A word of it is a secret as well, and the journal holds none: nobody knows the word now."""
    app.redactor.learn("postgres")
    command = step("one", "ssh.run", argv=["psql", "-U", "postgres"])
    _begin(app, "r2", plan_of(command))
    with pytest.raises(Refused) as refused:
        resume("r2")
    assert refused.value.line() == (
        "run r2, step one: its stored fields have a secret masked in them, so that it cannot be "
        "run as planned; expected fields with references to secrets"
    )
    assert refused.value.hint == "start a new run: it observes every step and adopts what is done"

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from drtool.errors import Interrupted, JournalUnusable, Refused
from drtool.redact import Redactor
from drtool.verbs.launch import Launched, Tell, launch, said_as_json


def test_the_engine_says_which_run_it_started(tmp_path: Path) -> None:
    def serve(tell: Tell) -> int:
        tell(Launched(run="r1", warnings=("mind the gap",)))
        return 0

    launched = launch(serve, tmp_path / "logs" / "engine.log", redactor=Redactor())
    assert launched.run == "r1"
    assert launched.warnings == ("mind the gap",)
    assert launched.last_words() is None
    assert said_as_json(launched) == '{"run": "r1", "warnings": ["mind the gap"]}'


def test_a_refusal_comes_back_with_its_text_and_exit_code(tmp_path: Path) -> None:
    def serve(tell: Tell) -> int:
        raise Refused("failover of orders", "no primary is seen", hint="drtool status")

    launched = launch(serve, tmp_path / "engine.log", redactor=Redactor())
    assert launched.exit_code == 3
    assert launched.text == "failover of orders: no primary is seen\n  hint: drtool status"


def test_a_defect_is_told_in_one_line_and_its_traceback_goes_to_the_log(tmp_path: Path) -> None:
    def serve(tell: Tell) -> int:
        raise ValueError("unforeseen")

    log = tmp_path / "engine.log"
    launched = launch(serve, log, redactor=Redactor())
    assert launched.exit_code == 5
    assert "Traceback" not in launched.text
    assert "Traceback" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_an_engine_that_ends_before_its_run_says_why(tmp_path: Path) -> None:
    def serve(tell: Tell) -> int:
        tell(Launched(run="r1"))
        raise JournalUnusable("journal /j", "the disk is full", hint="free space there")

    launched = launch(serve, tmp_path / "engine.log", redactor=Redactor())
    words = launched.last_words()
    assert words is not None
    assert (words.exit_code, words.text) == (
        7,
        "journal /j: the disk is full\n  hint: free space there",
    )
    assert "the disk is full" in (tmp_path / "engine.log").read_text()


def test_what_the_engine_says_of_its_end_holds_no_secret(tmp_path: Path) -> None:
    redactor = Redactor()

    def serve(tell: Tell) -> int:
        redactor.learn("canary-4711")
        raise Refused("postgresql east", "no pg_hba.conf entry for canary-4711")

    log = tmp_path / "engine.log"
    launched = launch(serve, log, redactor=redactor)
    assert launched.text == "postgresql east: no pg_hba.conf entry for [secret]"
    assert "canary" not in log.read_text()


def test_an_engine_that_dies_without_a_word_is_told(tmp_path: Path) -> None:
    def serve(tell: Tell) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    with pytest.raises(Interrupted, match="ended before the run started"):
        launch(serve, tmp_path / "engine.log", redactor=Redactor())


def test_the_engine_leads_a_session_of_its_own(tmp_path: Path) -> None:
    def serve(tell: Tell) -> int:
        tell(Launched(run=str(os.getsid(0) == os.getpid())))
        return 0

    assert launch(serve, tmp_path / "engine.log", redactor=Redactor()).run == "True"


def test_an_engine_that_says_nothing_is_ended_and_begins_nothing_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drtool.verbs.launch.SILENT_SECONDS", 0.3)
    begun, held = tmp_path / "begun", os.pipe()

    def serve(tell: Tell) -> int:
        os.close(held[1])
        os.read(held[0], 1)  # until the test lets it go on, or ends it
        begun.touch()
        return 0

    with pytest.raises(Interrupted) as silent:
        launch(serve, tmp_path / "engine.log", redactor=Redactor())
    assert silent.value.found == "the run had not started after 0 s, and it was ended"
    os.close(held[1])
    os.close(held[0])
    assert not begun.exists()

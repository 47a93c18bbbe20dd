"""The process that carries a run: what it does without Prefect, and when the engine is gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drtool.compiler.claim import Drawn
from drtool.compiler.courier import Courier
from drtool.compiler.message import Message, Ready
from drtool.compiler.vehicle import brief


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionError("[Errno 111] Connection refused"), "Connection refused"),
        (ValueError("Server error '500' for url 'http://x'\nmore"), "Server error '500'"),
        (TimeoutError(), "TimeoutError"),
        (ValueError("x" * 500), "x" * 120),
    ],
)
def test_troubles_are_told_in_a_few_words(error: Exception, words: str) -> None:
    assert brief(error) == words


def test_a_vehicle_that_hangs_holds_no_message_up_and_is_ended(tmp_path: Path) -> None:
    heard: list[Message | None] = []
    courier = Courier({}, tmp_path / "logs" / "prefect.log", heard.append)
    os.kill(courier.pid, 19)  # SIGSTOP
    drawn = Drawn("t" * 36, ())
    for _ in range(5000):  # more than a pipe holds
        courier.send(Ready(drawn.task_run, "fence", drawn.upstream))
    courier.end()
    with pytest.raises(ProcessLookupError):
        os.kill(courier.pid, 0)

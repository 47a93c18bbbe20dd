"""The process that carries a run: what it does without Prefect, and when the engine is gone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from drtool.compiler.api import Api
from drtool.compiler.claim import Drawn
from drtool.compiler.courier import Courier
from drtool.compiler.message import Message, Ready
from drtool.compiler.spawn import spawn
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
    vehicle = spawn(Api("http://127.0.0.1:1/api"), tmp_path / "logs" / "prefect.log", tmp_path)
    courier = Courier(vehicle, heard.append)
    os.kill(vehicle.pid, signal.SIGSTOP)
    drawn = Drawn("t" * 36, ())
    for _ in range(5000):  # more than a pipe holds
        courier.send(Ready(drawn.task_run, "fence", drawn.upstream))
    courier.end()
    with pytest.raises(ProcessLookupError):
        os.kill(vehicle.pid, 0)
    assert heard[-1] is None


def test_a_vehicle_that_nobody_holds_leaves(tmp_path: Path) -> None:
    vehicle = spawn(Api("http://127.0.0.1:1/api"), tmp_path / "prefect.log", tmp_path)
    vehicle.forget()
    assert os.waitpid(vehicle.pid, 0) == (vehicle.pid, 0)

"""F59, F60: whatever Prefect does, each step runs once and the process leaves within 5 s."""

from __future__ import annotations

import http.server
import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from fault_record import Fault
from prefect_server import PrefectServer, Ride, Rides

from drtool.compiler.api import Api
from drtool.compiler.ask import recorded
from drtool.compiler.choice import EngineMode, choose_engine

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

FIVE = tuple({"name": f"step_{letter}"} for letter in "abcde")
NAMES = [step["name"] for step in FIVE]
FAULT_AFTER_TWO = tuple(
    {**step, "pause_before": True} if step["name"] == "step_c" else step for step in FIVE
)


def assert_each_step_ran_once(ride: Ride, last: dict[str, object]) -> None:
    assert last["calls"] == NAMES
    assert not [line for line in ride.said if line["what"] == "hang"]
    assert sum(step["waited"] for step in ride.steps) < 1.5


def test_f59_prefect_down_at_the_start(rides: Rides, fault: Fault) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        api = Api(f"http://127.0.0.1:{nobody.getsockname()[1]}/api", "drtool:nobody")
    chosen = choose_engine(EngineMode.AUTO, rides.scratch, {"PREFECT_API_URL": api.url})
    assert chosen.kind is EngineMode.DIRECT
    assert "Connection refused" in chosen.note
    fault.injected(chosen.note)
    ride = rides.start(api, *FIVE, wait_until_up=1.5)
    last = ride.end()
    assert_each_step_ran_once(ride, last)
    assert set(ride.vias.values()) == {"direct"}
    assert "never took the run" in last["sentence"]
    assert "Connection refused" in last["sentence"]
    fault.got(last["sentence"])


def test_f59_prefect_killed_in_mid_run(
    prefect_server: PrefectServer, rides: Rides, fault: Fault
) -> None:
    ride = rides.start(prefect_server.api, *FAULT_AFTER_TWO)
    ride.wait_for("pause")
    prefect_server.kill()
    fault.injected("the server is gone")
    try:
        ride.go_on()
        last = ride.end()
    finally:
        prefect_server.start()
    assert_each_step_ran_once(ride, last)
    assert ride.vias["step_a"] == "prefect"
    assert "does not say what it has recorded" in last["sentence"]
    fault.got(last["sentence"])


def test_f59_prefect_killed_and_back_in_mid_run(
    prefect_server: PrefectServer, rides: Rides, fault: Fault
) -> None:
    port = urlsplit(prefect_server.api.url).port
    ride = rides.start(prefect_server.api, *FAULT_AFTER_TWO)
    ride.wait_for("pause")
    prefect_server.kill()
    fault.injected("the server is gone")
    prefect_server.start(port or 0)
    ride.go_on()
    last = ride.end()
    assert_each_step_ran_once(ride, last)
    assert last["sentence"] == ""
    assert sorted(recorded(prefect_server.api, ride.run).completed) == NAMES


def test_f60_prefect_hung_before_the_start(
    prefect_server: PrefectServer, rides: Rides, fault: Fault
) -> None:
    prefect_server.hang()
    try:
        started = time.monotonic()
        chosen = choose_engine(EngineMode.AUTO, prefect_server.home, {})
        assert time.monotonic() - started < 1
        assert chosen.kind is EngineMode.DIRECT
        assert "no answer within 0.5 s" in chosen.note
        fault.injected(chosen.note)
        ride = rides.start(prefect_server.api, *FIVE, wait_until_up=2)
        last = ride.end()
    finally:
        prefect_server.go_on()
    assert_each_step_ran_once(ride, last)
    assert set(ride.vias.values()) == {"direct"}
    assert "never took the run" in last["sentence"]
    fault.got(last["sentence"])


def test_f60_prefect_hung_in_mid_run(
    prefect_server: PrefectServer, rides: Rides, fault: Fault
) -> None:
    ride = rides.start(prefect_server.api, *FAULT_AFTER_TWO)
    ride.wait_for("pause")
    prefect_server.hang()
    fault.injected("the server is stopped")
    try:
        ride.go_on()
        last = ride.end()
    finally:
        prefect_server.go_on()
    assert_each_step_ran_once(ride, last)
    assert "does not say what it has recorded" in last["sentence"]
    fault.got(last["sentence"])


def test_f60_prefect_hung_for_a_while_records_the_rest_when_it_is_back(
    prefect_server: PrefectServer, rides: Rides, fault: Fault
) -> None:
    ride = rides.start(
        prefect_server.api,
        *FAULT_AFTER_TWO[:3],
        {"name": "step_d", "pause_before": True},
        {"name": "step_e"},
    )
    ride.wait_for("pause")
    prefect_server.hang()
    fault.injected("the server is stopped")
    try:
        ride.go_on()
        for _ in range(2):
            ride.wait_for("step")
    finally:
        prefect_server.go_on()
    ride.go_on()
    last = ride.end()
    assert_each_step_ran_once(ride, last)
    assert last["sentence"] == ""
    assert not recorded(prefect_server.api, ride.run).missing(tuple(NAMES))


def test_f60_the_process_that_carries_the_run_is_killed(
    prefect_server: PrefectServer, rides: Rides, fault: Fault
) -> None:
    ride = rides.start(prefect_server.api, *FAULT_AFTER_TWO)
    ride.wait_for("pause")
    os.kill(ride.vehicle, signal.SIGKILL)
    ride.go_on()
    last = ride.end()
    assert_each_step_ran_once(ride, last)
    assert [ride.vias[name] for name in NAMES[2:]] == ["direct"] * 3
    fault.injected("the rest of the steps was carried out without it")
    assert "the run's end" in last["sentence"]
    fault.got(last["sentence"])


def test_f60_the_process_that_carries_the_run_hangs(
    prefect_server: PrefectServer, rides: Rides, fault: Fault
) -> None:
    ride = rides.start(prefect_server.api, *FAULT_AFTER_TWO)
    ride.wait_for("pause")
    os.kill(ride.vehicle, signal.SIGSTOP)
    ride.go_on()
    last = ride.end()
    assert_each_step_ran_once(ride, last)
    assert [ride.vias[name] for name in NAMES[2:]] == ["direct"] * 3
    fault.injected("the rest of the steps was carried out without it")
    assert "Prefect has not recorded" in last["sentence"]
    fault.got(last["sentence"])


def test_f60_prefect_answers_500(rides: Rides, fault: Fault) -> None:
    with broken_api() as api:
        chosen = choose_engine(EngineMode.AUTO, rides.scratch, {"PREFECT_API_URL": api.url})
        assert chosen.kind is EngineMode.DIRECT
        assert "answers HTTP 500" in chosen.note
        fault.injected(chosen.note)
        ride = rides.start(api, *FIVE, wait_until_up=2)
        last = ride.end()
    assert_each_step_ran_once(ride, last)
    assert "never took the run" in last["sentence"]
    fault.got(last["sentence"])


@pytest.mark.parametrize("delay", [0.3, 3.0])
def test_f60_prefect_slow(
    prefect_server: PrefectServer, rides: Rides, delay: float, fault: Fault
) -> None:
    with slow(prefect_server.api, delay) as (api, held_up):
        ride = rides.start(api, *FIVE, wait_until_up=1)
        last = ride.end()
    assert held_up[0] > 0
    fault.injected(f"{held_up[0]} pieces of answers were held up for {delay} s")
    assert_each_step_ran_once(ride, last)
    assert last["sentence"] != ""
    fault.got(last["sentence"])


def test_f60_prefects_database_locked_before_the_start(
    prefect_server: PrefectServer, rides: Rides, fault: Fault
) -> None:
    with locked(prefect_server):
        fault.injected("the database is locked: BEGIN IMMEDIATE succeeded")
        ride = rides.start(prefect_server.api, *FIVE, wait_until_up=2)
        last = ride.end()
    assert_each_step_ran_once(ride, last)
    assert "never took the run" in last["sentence"]
    fault.got(last["sentence"])


def test_f60_prefects_database_locked_in_mid_run(
    prefect_server: PrefectServer, rides: Rides, fault: Fault
) -> None:
    ride = rides.start(prefect_server.api, *FAULT_AFTER_TWO)
    ride.wait_for("pause")
    with locked(prefect_server):
        fault.injected("the database is locked: BEGIN IMMEDIATE succeeded")
        ride.go_on()
        last = ride.end()
    assert_each_step_ran_once(ride, last)
    assert "Prefect" in last["sentence"]
    fault.got(last["sentence"])


@contextmanager
def locked(server: PrefectServer) -> Iterator[None]:
    """Hold the server's database so that it can write nothing."""
    holder = sqlite3.connect(server.database, timeout=20, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


class Broken(http.server.BaseHTTPRequestHandler):
    """Answers 500, as a server does whose database is gone."""

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        self.send_response(500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PATCH = answer  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def broken_api() -> Iterator[Api]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield Api(f"http://127.0.0.1:{server.server_address[1]}/api", "drtool:broken")
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def slow(api: Api, delay: float) -> Iterator[tuple[Api, list[int]]]:
    """A proxy that hands on each piece of an answer only after a while, and how many it held up."""
    held_up = [0]
    parts = urlsplit(api.url)
    ends: list[socket.socket] = [socket.create_server(("127.0.0.1", 0))]

    def pump(source: socket.socket, sink: socket.socket, wait: float) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                held_up[0] += wait > 0
                time.sleep(wait)
                sink.sendall(piece)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = ends[0].accept()
                behind = socket.create_connection((parts.hostname, parts.port))
                ends.extend((client, behind))
                for way in ((client, behind, 0.0), (behind, client, delay)):
                    threading.Thread(target=pump, args=way, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield replace(api, url=f"http://127.0.0.1:{ends[0].getsockname()[1]}/api"), held_up
    finally:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

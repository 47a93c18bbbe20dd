"""A run through a real Prefect server, and what that server shows of it afterwards."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import pytest
from prefect_server import PrefectServer, Rides, eventually, once_recorded

from drtool.compiler import server
from drtool.compiler.ask import recorded
from drtool.compiler.choice import EngineMode, choose_engine
from drtool.compiler.epilogue import REPAIR_AT_MOST
from drtool.compiler.itinerary import run_tag
from drtool.process import identity

# what Prefect did not record within five seconds is told: nothing else may keep it busy
pytestmark = [pytest.mark.timeout(180), pytest.mark.alone]

THREE = (
    {"name": "fence"},
    {"name": "promote", "needs": ["fence"]},
    {"name": "redirect", "needs": ["promote"]},
)


def test_every_step_is_a_task_and_prefect_shows_it(
    prefect_server: PrefectServer, rides: Rides
) -> None:
    ride = rides.start(prefect_server.api, *THREE, report="# Recovered")
    last = ride.end()
    assert last["sentence"] == ""
    assert last["calls"] == ["fence", "promote", "redirect"]
    assert set(ride.vias.values()) == {"prefect"}
    found = recorded(prefect_server.api, ride.run)
    assert found.completed == ("fence", "promote", "redirect")
    assert (found.state, found.reports, found.direct) == ("COMPLETED", 1, ())


def test_steps_are_recorded_by_prefects_own_client_and_not_by_our_repair(
    prefect_server: PrefectServer, rides: Rides
) -> None:
    steps = [f"step_{number}" for number in range(REPAIR_AT_MOST + 10)]
    ride = rides.start(prefect_server.api, *({"name": name} for name in steps))
    ride.end()
    found = once_recorded(prefect_server.api, ride.run, lambda r: len(r.completed) == len(steps))
    assert sorted(found.completed) == sorted(steps)


def test_the_flow_bears_the_runs_name_tags_and_typed_parameters(
    prefect_server: PrefectServer, rides: Rides
) -> None:
    ride = rides.start(prefect_server.api, *THREE)
    ride.end()
    wanted = {"flow_runs": {"tags": {"all_": [run_tag(ride.run)]}}}
    (flow_run,) = prefect_server.api.post("/flow_runs/filter", wanted, 5)
    assert flow_run["name"] == ride.run
    assert set(flow_run["tags"]) == {
        "service:orders",
        "strategy:hot-standby",
        "mode:drill",
        run_tag(ride.run),
    }
    assert flow_run["parameters"] == {
        "service": "orders",
        "procedure": "failover",
        "mode": "drill",
        "run": ride.run,
        "from_site": "east",
        "to_site": "west",
    }
    flow = prefect_server.api.get(f"/flows/{flow_run['flow_id']}", 5)
    assert flow["name"] == "orders.failover"


def test_dependencies_are_drawn_past_failed_and_unseen_steps(
    prefect_server: PrefectServer, rides: Rides
) -> None:
    ride = rides.start(
        prefect_server.api,
        {"name": "look", "outcome": "failed"},
        {"name": "fence", "needs": ["look"]},
        outcome="failed",
    )
    ride.end()
    wanted = {"flow_runs": {"tags": {"all_": [run_tag(ride.run)]}}}
    tasks = {t["name"]: t for t in prefect_server.api.post("/task_runs/filter", wanted, 5)}
    (upstream,) = tasks["fence"]["task_inputs"]["after"]
    assert upstream["id"] == tasks["look"]["id"]
    found = recorded(prefect_server.api, ride.run)
    assert (found.completed, found.failed, found.state) == (("fence",), ("look",), "FAILED")


def test_steps_before_prefect_is_up_wait_once_run_directly_and_are_shown_so(
    prefect_server: PrefectServer, rides: Rides
) -> None:
    ride = rides.start(prefect_server.api, *THREE, wait_until_up=0)
    last = ride.end()
    assert last["sentence"] == ""
    assert set(ride.vias.values()) == {"direct"}
    assert sum(step["waited"] for step in ride.steps) < 0.5
    found = recorded(prefect_server.api, ride.run)
    assert set(found.direct) == {"fence", "promote", "redirect"}


def test_cancelling_in_prefect_becomes_an_abort(
    prefect_server: PrefectServer, rides: Rides
) -> None:
    ride = rides.start(
        prefect_server.api,
        {"name": "fence", "until_cancelled": True, "outcome": "aborted"},
        outcome="aborted",
    )
    ride.wait_for("step")
    wanted = {"flow_runs": {"tags": {"all_": [run_tag(ride.run)]}}}
    (flow_run,) = prefect_server.api.post("/flow_runs/filter", wanted, 5)
    body = {"state": {"type": "CANCELLING"}}
    prefect_server.api.post(f"/flow_runs/{flow_run['id']}/set_state", body, 5)
    ride.wait_for("cancel", seconds=5)
    assert ride.end()["sentence"] == ""
    assert recorded(prefect_server.api, ride.run).state == "CANCELLED"


def test_a_killed_engines_flow_is_not_left_running_when_the_run_goes_on(
    prefect_server: PrefectServer, rides: Rides
) -> None:
    first = rides.start(prefect_server.api, {"name": "fence", "pause_before": True})
    first.wait_for("pause")
    os.kill(first.vehicle, signal.SIGKILL)
    first.process.kill()
    second = rides.start(prefect_server.api, {"name": "fence", "pause_before": True}, run=first.run)
    second.wait_for("pause")
    wanted = {"flow_runs": {"tags": {"all_": [run_tag(first.run)]}}}

    def states() -> bool:
        runs = prefect_server.api.post("/flow_runs/filter", wanted, 5)
        return sorted(run["state_type"] for run in runs) == ["CRASHED", "RUNNING"]

    eventually(states)
    second.go_on()
    assert second.end()["sentence"] == ""


def test_an_engine_that_is_killed_leaves_no_flow_running_and_no_process(
    prefect_server: PrefectServer, rides: Rides
) -> None:
    ride = rides.start(prefect_server.api, {"name": "fence", "pause_before": True})
    ride.wait_for("pause")
    vehicle = ride.vehicle
    ride.process.kill()
    eventually(lambda: recorded(prefect_server.api, ride.run).state == "CRASHED")
    eventually(lambda: not identity(vehicle))


def test_a_run_leaves_no_process_behind(prefect_server: PrefectServer, rides: Rides) -> None:
    ride = rides.start(prefect_server.api, {"name": "fence", "pause_before": True})
    ride.wait_for("pause")
    vehicle = ride.vehicle
    assert identity(vehicle)
    ride.go_on()
    ride.end()
    eventually(lambda: not identity(vehicle))


def test_a_secret_reaches_nothing_that_prefect_keeps(
    prefect_server: PrefectServer, rides: Rides
) -> None:
    canary = "canary-5f1d9b3e77"
    ride = rides.start(
        prefect_server.api,
        *THREE,
        secret=canary,
        report=f"# Report\n{canary}",
        reason=f"said {canary}",
    )
    ride.end()
    kept = [prefect_server.database, Path(f"{prefect_server.database}-wal"), ride.log]
    log = prefect_server.home / "prefect-server" / "server.log"
    for path in (path for path in [*kept, log] if path.exists()):
        assert canary.encode() not in path.read_bytes()
    for kind in ("artifacts", "logs", "flow_runs", "task_runs", "events"):
        assert canary not in str(prefect_server.api.post(f"/{kind}/filter", {}, 10))
    auth = prefect_server.api.auth.encode()
    assert not ride.log.exists() or auth not in ride.log.read_bytes()


def test_the_servers_secret_is_its_owners_alone(prefect_server: PrefectServer) -> None:
    directory = prefect_server.home / "prefect-server"
    for name in ("auth", "server.json"):
        assert stat.S_IMODE((directory / name).stat().st_mode) == 0o600
    found = server.status(prefect_server.home)
    assert found.answers
    assert found.ui_url.startswith("http://127.0.0.1:")
    assert prefect_server.api.auth not in found.model_dump_json()
    assert prefect_server.api.auth not in repr(prefect_server.api)


def test_auto_chooses_the_embedded_server_without_being_told(
    prefect_server: PrefectServer,
) -> None:
    chosen = choose_engine(EngineMode.AUTO, prefect_server.home, {})
    assert (chosen.kind, chosen.note) == (EngineMode.PREFECT, "")
    assert chosen.api == prefect_server.api


def test_a_wrong_auth_string_is_named_and_the_steps_run_directly(
    prefect_server: PrefectServer,
) -> None:
    told = {"PREFECT_API_URL": prefect_server.api.url, "PREFECT_API_AUTH_STRING": "drtool:wrong"}
    chosen = choose_engine(EngineMode.AUTO, prefect_server.home, told)
    assert chosen.kind is EngineMode.DIRECT
    assert "turns us away (HTTP 401)" in chosen.note


def test_a_second_start_leaves_the_running_server_alone(prefect_server: PrefectServer) -> None:
    before = prefect_server.pid
    assert server.start(prefect_server.home).pid == before

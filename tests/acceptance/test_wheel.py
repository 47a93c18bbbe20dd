"""The bundle, carried to a place without a network: installed there, and the lab's drill run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from clean_network import command, reason_for_none
from good_documents import EAST_KEY, WEST_KEY

from drtool.lab.processes import marked

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]
# What a person does there, from the unpacked bundle; each line is one that a shell is given.
STORY = """
set -eu
sh install.sh "$PLACE"
PATH="$PLACE/bin:$PATH"
mkdir "$HOME/worker"  # Prefect copies the directory that a worker runs in
cd "$HOME/worker"
drtool --help > /dev/null
drtool lint "$BUNDLE/runbooks"
drtool init own --no-input --service orders --endpoint orders.shop.example \\
    --site east=192.0.2.1 --site west=198.51.100.1 --url http://orders.shop.example:8080 \\
    --host-key "east=$EAST_KEY" --host-key "west=$WEST_KEY" \\
    --dns-server east=192.0.2.53 --dns-server west=198.51.100.53
drtool lint own
python -I -c 'import drtool; print("drtool is", drtool.__file__)'
drtool bundle "$BUNDLE/runbooks" --wheels "$BUNDLE/wheels" --extras lab -o again.tar.gz
drtool bundle --verify again.tar.gz
drtool lab up
trap 'drtool lab down' EXIT
eval "$(drtool lab env)"
python -I "$DEPLOY" "$BUNDLE/runbooks/orders.yaml" "$LAB_INVENTORY"
drtool lab drill
drtool runs
"""
DEPLOY = """
import subprocess, sys
from prefect.client.orchestration import get_client
from prefect.deployments.runner import EntrypointType
from drtool.flows.failover import failover

words = ["--inventory", sys.argv[2], "--from", "east", "--to", "west"]
deployment = failover.to_deployment(
    "nightly",
    entrypoint_type=EntrypointType.MODULE_PATH,
    parameters={"runbook": sys.argv[1], "mode": "dry-run", "options": words},
)
with get_client(sync_client=True) as client:
    run = client.create_flow_run_from_deployment(deployment.apply())
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "flow-run", "execute", str(run.id)],
        capture_output=True, text=True, check=False,
    )
    state = client.read_flow_run(run.id).state
assert state.is_completed(), f"{state}\\n{done.stdout}{done.stderr}"
print("deployed flow:", state.name)
"""
CONSUMER = """
from drtool.action import Entry
from drtool.errors import DrtoolError
from drtool.units import Duration

def limit(entry: type[Entry]) -> Duration:
    if not entry.__doc__:
        raise DrtoolError(entry.__name__, "has no docstring")
    return Duration.parse("5s")

seconds: float = limit(Entry).seconds
wrong: str = limit(Entry)
"""


def drtool(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "drtool", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked bundle of the lab's runbook."""
    place = tmp_path_factory.mktemp("carried")
    archive = place / "bundle.tar.gz"
    drtool("bundle", str(ROOT / "runbooks/hot-standby"), "--extras", "lab", "-o", str(archive))
    assert "as its manifest says" in drtool("bundle", "--verify", str(archive))
    subprocess.run(["tar", "-xzf", str(archive), "-C", str(place)], check=True)
    return place / "drtool-bundle"


def test_drtool_installs_and_drills_where_there_is_no_network(bundle: Path, tmp_path: Path) -> None:
    reason = reason_for_none()
    words = ("sh", "-c", STORY)
    deploy = tmp_path / "deploy.py"
    deploy.write_text(DEPLOY)
    environment = {
        "PATH": os.defpath,
        "PYTHON": sys.executable,
        "LANG": "C.UTF-8",
        "HOME": str(tmp_path),
        "DRTOOL_HOME": str(tmp_path / "runs"),
        "DRTOOL_LAB_HOME": str(tmp_path / "lab"),
        "BUNDLE": str(bundle),
        "PLACE": str(tmp_path / "venv"),
        "DEPLOY": str(deploy),
        "EAST_KEY": EAST_KEY,
        "WEST_KEY": WEST_KEY,
    }
    done = subprocess.run(
        words if reason else command(*words),
        cwd=bundle,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    told = done.stdout
    assert done.returncode == 0, told
    assert f"drtool is {tmp_path}/venv/lib/" in told
    assert told.count("1 runbook clean") == 2
    assert "deployed flow: Completed" in told
    assert "proof by power" in told
    assert "The drill passed" in told
    assert "Prefect was asked" in told
    assert marked("DRTOOL_LAB_HOME", str(tmp_path / "lab")) == []
    assert_typed(tmp_path)
    if reason:
        pytest.skip(f"it passed with the network in reach: no network namespace here: {reason}")


def assert_typed(place: Path) -> None:
    """mypy sees the types of the drtool that is installed there."""
    consumer = place / "consumer.py"
    consumer.write_text(CONSUMER)
    python = place / "venv" / "bin" / "python"
    words = ["--strict", "--python-executable", str(python), "--cache-dir", str(place / "cache")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *words, str(consumer)],
        capture_output=True,
        text=True,
        check=False,
        cwd=place,
    )
    (fault, count) = done.stdout.splitlines()
    assert 'has type "Duration", variable has type "str"' in fault, done.stdout
    assert "Found 1 error" in count

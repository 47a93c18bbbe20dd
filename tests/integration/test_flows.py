"""The entry points for deployments, run as flows of a real Prefect server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from prefect_server import PrefectServer

from drtool.compiler.api import Api

ROOT = Path(__file__).parents[2]
INVENTORY = """
version: 1
services: {{notes: {{url: "http://127.0.0.1:{port}/", preferred: east}}}}
sites: {{east: {{address: 127.0.0.2}}, west: {{address: 127.0.0.1}}}}
"""
RUNBOOK = """
version: 1
runbook: notes
inventory: inventory.yaml
service: notes
objectives: {rto: 1m}
waivers: {failback: "nothing was moved"}
procedures:
  failover:
    - {step: answers, check: http.answers, at: to, status: [STATUS], deadline: 2s}
"""


@pytest.fixture
def page() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def deployed(tmp_path: Path, api: Api, page: int, status: int) -> subprocess.CompletedProcess[str]:
    (tmp_path / "inventory.yaml").write_text(INVENTORY.format(port=page))
    runbook = tmp_path / "notes.yaml"
    runbook.write_text(RUNBOOK.replace("STATUS", str(status)))
    arguments = [str(runbook), "dry-run", ["--from", "east", "--to", "west"]]
    code = (
        "import json, runpy, sys; entry = runpy.run_path(sys.argv[1])['failover']\n"
        "print('run', entry(*json.loads(sys.argv[2])))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "flows" / "failover.py"), json.dumps(arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "DRTOOL_HOME": str(tmp_path / "home"),
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "PREFECT_API_URL": api.url,
            "PREFECT_API_AUTH_STRING": api.auth,
        },
    )


def test_a_deployed_failover_runs_to_its_end_and_gives_the_run(
    tmp_path: Path, prefect_server: PrefectServer, page: int
) -> None:
    done = deployed(tmp_path, prefect_server.api, page, 200)
    assert done.returncode == 0, done.stderr
    run = done.stdout.split()[-1]
    assert (tmp_path / "home" / "reports" / f"{run}.html").exists()


def test_a_deployed_failover_that_fails_is_a_failed_flow(
    tmp_path: Path, prefect_server: PrefectServer, page: int
) -> None:
    done = deployed(tmp_path, prefect_server.api, page, 418)
    assert done.returncode != 0
    assert "drtool explain" in done.stderr

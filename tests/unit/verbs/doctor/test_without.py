"""``drtool doctor RUNBOOK --without SITE``, and what lint says of the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from good_documents import INVENTORY, RUNBOOK, Change, changed, write
from typer.testing import CliRunner

from drtool.cli.main import app

ROOT = Path(__file__).parents[4]
TWO_SERVERS = (
    "ns_east: {site: east, address: 192.0.2.1}",
    "ns_east: {site: east, address: 192.0.2.1}\n    ns_west: {site: west, address: 192.0.2.2}",
)
HERE = ("west:\n    address: 192.0.2.2", "west:\n    machines: [ops-2]\n    address: 192.0.2.2")
APART = ('system: "1"', 'system: "1", out_of_band: true')
FEW = ("  zone: test", "  zone: test\n  min_servers: 2")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRTOOL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setattr("socket.gethostname", lambda: "ops-2")
    return tmp_path


def written(*inventory: Change, runbook: tuple[Change, ...] = ()) -> None:
    write("orders.yaml", changed(RUNBOOK, list(runbook)))
    write("inventory.yaml", changed(INVENTORY, [TWO_SERVERS, *inventory]))


def typed(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words])
    return done.exit_code, done.output


@pytest.mark.usefixtures("here")
def test_all_that_is_needed_stays() -> None:
    written(HERE, APART)
    code, told = typed("doctor", "orders.yaml", "--without", "east")
    assert code == 0, told
    assert "Failover without east, to west" in told
    assert "lease of orders" in told
    assert told.splitlines()[-1].startswith("✔ failover without east: ")
    assert "would be lost" not in told.splitlines()[-1]


@pytest.mark.usefixtures("here")
def test_a_needed_thing_that_would_be_lost_ends_with_1_and_stands_last() -> None:
    written(HERE, APART, FEW)
    code, told = typed("doctor", "orders.yaml", "--without", "east")
    assert code == 1, told
    assert "✘ DNS servers of test" in told
    assert "needed by redirect, answers" in told
    assert told.splitlines()[-1].startswith("✘ failover without east: 1 needed thing would be lost")
    assert "drtool lint" not in told


@pytest.mark.usefixtures("here")
def test_the_same_as_json() -> None:
    written(HERE, FEW)
    code, told = typed("doctor", "orders.yaml", "--without", "east", "--json")
    assert code == 1
    (one,) = json.loads(told)["procedures"]
    assert (one["procedure"], one["site"], one["to_site"]) == ("failover", "east", "west")
    (dns,) = [need for need in one["needs"] if need["kind"] == "DNS"]
    assert (dns["lost"], dns["needed"], dns["steps"]) == ("yes", True, ["redirect", "answers"])


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["doctor", "orders.yaml", "--without", "north"], "no such site"),
        (["doctor", "--without", "east"], "no runbook"),
    ],
)
def test_bad_input_is_told(words: list[str], said: str) -> None:
    written()
    done = subprocess.run(
        [sys.executable, "-m", "drtool", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.usefixtures("here")
def test_a_file_that_is_not_there_is_said() -> None:
    written(HERE, APART)
    _, told = typed("doctor", "orders.yaml", "--without", "east")
    assert "not there now: tsig" in told


@pytest.mark.usefixtures("here")
def test_lint_refuses_what_is_lost_with_a_site_and_takes_a_reason() -> None:
    written(FEW)
    code, told = typed("lint", "orders.yaml")
    assert code == 2
    assert "inventory.yaml:" in told
    assert "failover without east: DNS servers of test would be lost" in told
    waiver = ("procedures:", "waivers: {static_stability: 'the other server comes'}\nprocedures:")
    written(FEW, runbook=(waiver,))
    code, told = typed("lint", "orders.yaml")
    assert code == 0, told


def test_shipped_runbooks_are_stable_without_any_site() -> None:
    code, told = typed("lint", str(ROOT / "runbooks"))
    assert code == 0, told


def test_the_guides_commands_say_what_it_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("socket.gethostname", lambda: "ops-2")
    page = (ROOT / "docs" / "how-to" / "survive-a-lost-site.md").read_text(encoding="utf-8")
    commands = re.findall(r"(?m)^\$ drtool (.*)$", page)
    assert len(commands) == 3
    for words in commands:
        code, told = typed(*words.split())
        assert code == 0, told
    _, told = typed(*commands[0].split())
    for line in ("lease of orders: PostgreSQL west.orders_db, at west", "out of band"):
        assert line in page
        assert line in told

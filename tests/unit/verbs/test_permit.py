"""Whether an inventory may speak of people, told from its text alone and in no time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from good_documents import EAST_KEY, INVENTORY, RUNBOOK, write

from drtool.catalog import Catalog
from drtool.model.purpose import Procedure
from drtool.model.signed_text import differing
from drtool.runbook.load import load
from drtool.verbs.people_now import InventoryNow
from drtool.verbs.permit import _may_name_people, _may_speak_of_people, _text
from drtool.verbs.request import StartRequest

WITH = f"""{INVENTORY}people:
  oncall: {{may: [operate, approve], keys: ["{EAST_KEY}"]}}
"""


@pytest.mark.parametrize(
    ("text", "may"),
    [
        (INVENTORY, False),
        (WITH, True),
        (WITH.replace("people:\n", '"people":\n'), True),
        ("".join(f"  {line}\n" for line in WITH.splitlines()), True),
        ("services:\n  a: {}\nroles:\n  commander:\n    people: [ann]\n", False),
        ('{"services": {}, "people": {}}', True),
        ("", True),
    ],
)
def test_people_are_found_in_the_text(text: str, *, may: bool) -> None:
    assert _may_speak_of_people(text) is may


def test_the_runbooks_own_inventory_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "orders.yaml").write_text("version: 1\ninventory: 'there.yaml'\n")
    request = StartRequest(
        runbook=tmp_path / "orders.yaml", procedure=Procedure.FAILOVER, requester="ann"
    )
    assert not _may_name_people(request), "what is not there is told by lint"
    (tmp_path / "there.yaml").write_text(WITH)
    assert _may_name_people(request)


def test_what_a_start_signs_holds_no_parameter_in_clear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runbook = write("orders.yaml", RUNBOOK)
    write("inventory.yaml", INVENTORY)
    request = StartRequest(
        runbook=runbook,
        procedure=Procedure.FAILOVER,
        requester="ann",
        parameters=("token=canary-4711", "pace=2"),
        asked_at=datetime(2026, 11, 23, 5, 15, tzinfo=UTC),
    )
    loaded = load(runbook, None, Catalog.load(), {})
    signed = _text(request, loaded, "ann")
    assert "canary" not in signed
    other = request.model_copy(update={"parameters": ("token=canary-4712", "pace=2")})
    assert differing(signed, _text(other, loaded, "ann")).startswith("parameters sha256 ")


def test_todays_inventory_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "inventory.yaml"
    now = InventoryNow(file)
    assert now() is None, "it is not there"
    file.write_text(
        WITH.replace("[oncall-primary]", "[oncall]").replace("[oncall-secondary]", "[]")
    )
    first = now()
    assert first is not None
    assert first.people["oncall"].keys
    assert now() is first
    file.write_text("no inventory: [")
    assert now() is None
    file.write_text(INVENTORY)
    again = now()
    assert again is not None
    assert not again.people

"""What counts as a fence when a promotion asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drtool.model.inventory import Inventory
from drtool.model.place import Place
from drtool.model.proof import Proof, ProofKind
from drtool.safety.fence import is_proven, reason_not_proven, trusted_proof
from drtool.units import Duration

NOW = datetime(2026, 11, 23, 5, 14, tzinfo=UTC)
EAST = Place(site="east", system="orders_db")
INVENTORY = Inventory.model_validate({
    "version": 1, "services": {},
    "sites": {"east": {"address": "127.0.1.1", "systems": {"orders_db": {
        "kind": "postgresql", "host": "east_db", "data_directory": "/srv/pg",
        "system_identifier": "7412",
    }}}},
    "hosts": {"east_db": {"power": {
        "redfish": "https://bmc", "system": "1", "password": {"secret": "env:BMC"},
    }}},
})  # fmt: skip


def proof(**changed: Any) -> Proof:
    fields: dict[str, Any] = {
        "kind": ProofKind.PROCESSES, "subject": "east.orders_db", "identity": "7412",
        "evidence": "no server process", "at": NOW - timedelta(seconds=10),
        "max_age": Duration(60), **changed,
    }  # fmt: skip
    return Proof(**fields)


def reason(*proofs: Proof) -> str | None:
    return reason_not_proven(proofs, EAST, INVENTORY, None, NOW)


def test_a_fresh_proof_of_that_very_system_holds() -> None:
    assert reason(proof()) is None
    assert reason(proof(kind=ProofKind.POWER, identity="1")) is None


def test_nothing_is_no_fence() -> None:
    assert reason() == (
        "no fence of east.orders_db has been proven in this run, and nobody has stated one"
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"subject": "west.orders_db"}, "it speaks of west.orders_db, not of east.orders_db"),
        ({"identity": "9999"}, "it was made of 9999, not of 7412"),
        ({"identity": ""}, "it was made of something unnamed"),
        ({"at": NOW - timedelta(seconds=61)}, "it is 1 min 01 s old and good for 1 min 00 s"),
        ({"at": NOW + timedelta(seconds=30)}, "30.0 s in the future"),
        ({"kind": ProofKind.POWER, "identity": "7412"}, "it was made of 7412, not of 1"),
    ],
)
def test_a_proof_of_something_else_does_not_hold(changed: dict[str, Any], said: str) -> None:
    found = reason(proof(**changed))
    assert found is not None
    assert said in found


def test_a_statement_lets_go_on_and_is_never_proven() -> None:
    stated = proof(kind=ProofKind.STATEMENT, identity="", evidence="not proven; states")
    assert reason(stated) is None
    assert not is_proven(stated)
    assert trusted_proof([stated, proof()], EAST, INVENTORY, None, NOW) == proof()
    old = proof(kind=ProofKind.STATEMENT, identity="", at=NOW - timedelta(hours=1))
    assert reason(old) is not None


def test_an_unknown_identity_fails_closed() -> None:
    blank = INVENTORY.model_copy(deep=True, update={})
    systems = blank.sites["east"].systems
    systems["orders_db"] = systems["orders_db"].model_copy(update={"system_identifier": None})
    assert "it is not known" in str(reason_not_proven([proof()], EAST, blank, None, NOW))
    assert reason_not_proven([proof()], EAST, blank, "7412", NOW) is None

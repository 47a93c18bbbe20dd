"""Nothing is done to a server or a machine that is not shown to be the one that is meant."""

from __future__ import annotations

import pytest

from drtool.safety.identity import reason_not_same_cluster, reason_not_that_machine


@pytest.mark.parametrize(
    ("found", "expected", "said"),
    [
        ("7412", "7412", None),
        ("7413", "7412", "its system identifier is 7413; expected 7412: this is another cluster"),
        ("", "7412", "its system identifier cannot be read; expected 7412"),
        (None, "7412", "its system identifier cannot be read; expected 7412"),
        ("7412", None, "it is not known which system identifier to expect"),
    ],
)
def test_a_cluster_is_known_by_its_identifier_alone(
    found: str | None, expected: str | None, said: str | None
) -> None:
    reason = reason_not_same_cluster("west.orders_db", found, expected)
    assert (reason or "").startswith(f"west.orders_db: {said}" if said else "")
    assert (reason is None) == (said is None)


@pytest.mark.parametrize(
    ("found", "system", "uuid", "said"),
    [
        (("1", ""), "1", None, None),
        (("1", "U-1"), "/redfish/v1/Systems/1", "u-1", None),
        (("2", "u-1"), "1", None, "it answers for system 2, not for 1"),
        (("", ""), "1", None, "it answers for system without an Id, not for 1"),
        (("1", "u-2"), "1", "u-1", "it answers for the machine u-2, not for u-1"),
        (("1", ""), "1", "u-1", "it answers for the machine without a UUID, not for u-1"),
    ],
)
def test_a_machine_is_known_by_its_id_and_its_uuid(
    found: tuple[str, str], system: str, uuid: str | None, said: str | None
) -> None:
    reason = reason_not_that_machine("power", found, system, uuid)
    assert reason == (f"power: {said}" if said else None)

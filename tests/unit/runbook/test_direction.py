"""Which way a run goes, and what a person is told to type when that cannot be known."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from drtool.errors import BadInput, DrtoolError, Refused
from drtool.model.purpose import Procedure
from drtool.runbook.direction import Ask, ObservedRoles, choose_direction

EAST = ("east",)
WEST = ("west",)
BOTH = ("east", "west")
HEALTHY = ObservedRoles(primaries=EAST, standbys=WEST)
LOST = ObservedRoles(standbys=WEST, unreachable=EAST)
MOVED = ObservedRoles(primaries=WEST, unreachable=EAST)
SWAPPED = ObservedRoles(primaries=WEST, standbys=EAST)
SPLIT = ObservedRoles(primaries=BOTH)
NEITHER = ObservedRoles(standbys=BOTH)
DARK = ObservedRoles(unreachable=BOTH)
NOTHING = ObservedRoles()
THREE = ObservedRoles(primaries=EAST, standbys=("west", "north"))


class Way(NamedTuple):
    """A procedure, what was seen and typed, and the direction."""

    procedure: Procedure
    roles: ObservedRoles
    typed: tuple[str | None, str | None]
    goes: tuple[str | None, str | None]


class No(NamedTuple):
    """A procedure, what was seen and typed, and the refusal."""

    procedure: Procedure
    roles: ObservedRoles
    typed: tuple[str | None, str | None]
    text: str


def ask(procedure: Procedure, typed: tuple[str | None, str | None], **others: Any) -> Ask:
    given: dict[str, Any] = {"preferred": "east", "sites": BOTH} | others
    return Ask(
        procedure=procedure,
        documents="orders.yaml",
        service="orders",
        from_site=typed[0],
        to_site=typed[1],
        **given,
    )


def test_what_is_only_to_be_looked_at_is_never_begun_by_a_hint() -> None:
    looked = ask(Procedure.FAILOVER, (None, None), shown=True)
    with pytest.raises(Refused) as refused:
        choose_direction(looked, NEITHER.model_copy(update={"standbys": (), "unreachable": BOTH}))
    assert refused.value.hint == "drtool plan orders.yaml failover --from SITE --to SITE"


WAYS = [
    Way(Procedure.FAILOVER, LOST, (None, None), ("east", "west")),
    Way(Procedure.FAILOVER, HEALTHY, (None, None), ("east", "west")),
    Way(Procedure.FAILOVER, SWAPPED, (None, None), ("west", "east")),
    Way(Procedure.FAILOVER, DARK, ("east", "west"), ("east", "west")),
    Way(Procedure.FAILOVER, NOTHING, ("east", "west"), ("east", "west")),
    Way(Procedure.FAILOVER, MOVED, ("east", "west"), ("east", "west")),
    Way(Procedure.FAILOVER, SPLIT, ("east", "west"), ("east", "west")),
    Way(Procedure.FAILOVER, LOST, ("east", None), ("east", "west")),
    Way(Procedure.FAILOVER, LOST, (None, "west"), ("east", "west")),
    Way(Procedure.SWITCHOVER, HEALTHY, (None, None), ("east", "west")),
    Way(Procedure.SWITCHOVER, SWAPPED, (None, None), ("west", "east")),
    Way(Procedure.SWITCHOVER, NEITHER, ("east", "west"), ("east", "west")),
    Way(Procedure.FAILBACK, SWAPPED, (None, None), ("west", "east")),
    Way(Procedure.FAILBACK, NOTHING, ("west", "east"), ("west", "east")),
    Way(Procedure.REPROTECT, MOVED, (None, None), ("east", "west")),
    Way(Procedure.REPROTECT, SWAPPED, (None, None), ("east", "west")),
    Way(Procedure.REPROTECT, SPLIT, ("east", "west"), ("east", "west")),
    Way(Procedure.DRAIN, NOTHING, ("east", None), ("east", None)),
    Way(Procedure.LOSE, LOST, (None, None), ("east", None)),
    Way(Procedure.REFILL, NOTHING, ("east", None), ("east", None)),
    Way(Procedure.REHEARSAL, HEALTHY, (None, None), (None, "west")),
]
REFUSALS = [
    No(
        Procedure.FAILOVER,
        SPLIT,
        (None, None),
        "failover of orders: east and west both have a primary: split brain suspected; expected "
        "one primary\n  hint: decide which side to keep, then drtool failover orders.yaml "
        "--from LOST --to KEPT",
    ),
    No(
        Procedure.FAILOVER,
        DARK,
        (None, None),
        "failover of orders: no primary is seen (east, west unreachable); expected one primary, "
        "or one site that does not answer\n"
        "  hint: drtool failover orders.yaml --from SITE --to SITE",
    ),
    No(
        Procedure.FAILOVER,
        MOVED,
        (None, None),
        "failover of orders: no standby is seen: west has the primary, east does not answer; "
        "expected a standby to take over\n  hint: drtool reprotect orders.yaml; to finish an "
        "earlier run: drtool failover orders.yaml --from east --to west",
    ),
    No(
        Procedure.FAILOVER,
        NOTHING,
        (None, None),
        "failover of orders: no system of it has roles that could be observed; expected --from "
        "SITE --to SITE\n  hint: drtool failover orders.yaml --from east --to west",
    ),
    No(
        Procedure.FAILOVER,
        HEALTHY,
        ("west", None),
        "failover of orders: west is a standby, the primary is east; expected --from the site "
        "with the primary\n  hint: drtool failover orders.yaml --from east --to west",
    ),
    No(
        Procedure.FAILOVER,
        THREE,
        (None, None),
        "failover of orders: west and north are standbys; expected one site to take over\n"
        "  hint: drtool failover orders.yaml --from east --to west",
    ),
    No(
        Procedure.SWITCHOVER,
        LOST,
        (None, None),
        "switchover of orders: east does not answer; expected both sites healthy\n"
        "  hint: when it is lost: drtool failover orders.yaml --from east --to west",
    ),
    No(
        Procedure.SWITCHOVER,
        LOST,
        ("east", "west"),
        "switchover of orders: east does not answer; expected both sites healthy\n"
        "  hint: when it is lost: drtool failover orders.yaml --from east --to west",
    ),
    No(
        Procedure.SWITCHOVER,
        NEITHER,
        (None, None),
        "switchover of orders: no primary is seen (east, west standby); expected one primary\n"
        "  hint: drtool switchover orders.yaml --from SITE --to SITE",
    ),
    No(
        Procedure.SWITCHOVER,
        HEALTHY,
        ("west", None),
        "switchover of orders: east has the primary, not west; expected --from east\n"
        "  hint: drtool switchover orders.yaml --from east",
    ),
    No(
        Procedure.FAILBACK,
        HEALTHY,
        (None, None),
        "failback of orders: the primary is at east already, which is the preferred site",
    ),
    No(
        Procedure.FAILBACK,
        HEALTHY,
        (None, "west"),
        "failback of orders: --to west is not the preferred site; expected east\n"
        "  hint: drtool switchover orders.yaml --to west",
    ),
    No(
        Procedure.REPROTECT,
        SPLIT,
        (None, None),
        "reprotect of orders: east and west both have a primary: split brain suspected; expected "
        "one primary\n  hint: decide which side to keep, then drtool reprotect orders.yaml "
        "--from SITE --to SITE",
    ),
    No(
        Procedure.REPROTECT,
        NOTHING,
        (None, None),
        "reprotect of orders: no system of it has roles that could be observed; expected --from "
        "SITE --to SITE\n  hint: drtool reprotect orders.yaml --from west --to east",
    ),
    No(
        Procedure.DRAIN,
        HEALTHY,
        (None, None),
        "drain of orders: no site is named; expected --from SITE\n"
        "  hint: drtool drain orders.yaml --from east",
    ),
    No(
        Procedure.REHEARSAL,
        SWAPPED,
        (None, "west"),
        "rehearsal of orders: west is production: it has the primary; expected a site where a "
        "copy can reach nothing that customers use",
    ),
    No(
        Procedure.REHEARSAL,
        NOTHING,
        (None, "east"),
        "rehearsal of orders: east is production: it is the preferred site; expected a site "
        "where a copy can reach nothing that customers use",
    ),
]


@pytest.mark.parametrize(("procedure", "roles", "typed", "goes"), WAYS)
def test_goes(
    procedure: Procedure,
    roles: ObservedRoles,
    typed: tuple[str | None, str | None],
    goes: tuple[str | None, str | None],
) -> None:
    direction = choose_direction(ask(procedure, typed), roles)
    assert (direction.from_site, direction.to_site) == goes


@pytest.mark.parametrize(("procedure", "roles", "typed", "text"), REFUSALS)
def test_refuses_with_what_to_type(
    procedure: Procedure,
    roles: ObservedRoles,
    typed: tuple[str | None, str | None],
    text: str,
) -> None:
    with pytest.raises(Refused) as refused:
        choose_direction(ask(procedure, typed), roles)
    assert refused.value.text() == text


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        (("nowhere", None), "--from nowhere: no such site; expected east, west"),
        (("east", "east"), "--from east --to east: both are the same site"),
    ],
)
def test_sites_must_be_two_known_ones(typed: tuple[str | None, str | None], text: str) -> None:
    with pytest.raises(BadInput) as wrong:
        choose_direction(ask(Procedure.FAILOVER, typed), LOST)
    assert wrong.value.text() == text


@pytest.mark.parametrize("procedure", Procedure)
@pytest.mark.parametrize(
    "roles", [HEALTHY, LOST, MOVED, SWAPPED, SPLIT, NEITHER, DARK, NOTHING, THREE], ids=str
)
@pytest.mark.parametrize("left", [None, "east", "west"])
@pytest.mark.parametrize("taking", [None, "east", "west"])
def test_never_from_a_site_to_itself(
    procedure: Procedure, roles: ObservedRoles, left: str | None, taking: str | None
) -> None:
    try:
        direction = choose_direction(ask(procedure, (left, taking)), roles)
    except DrtoolError:
        return
    assert direction.from_site is None or direction.from_site != direction.to_site
    assert left in {None, direction.from_site} or procedure is Procedure.REHEARSAL
    assert taking in {None, direction.to_site}

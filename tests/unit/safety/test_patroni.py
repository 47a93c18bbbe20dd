from __future__ import annotations

import pytest
from patroni_values import NOW, WEST, cluster, inventory, node, word

from drtool.model.patroni import Cluster, Listed, Node, Settings, Word
from drtool.model.place import Place
from drtool.model.proof import Proof, ProofKind
from drtool.safety.fence import reason_not_proven, trusted_proof
from drtool.safety.patroni import (
    best_candidate,
    end_of,
    reason_able_to_write,
    reason_not_demoted,
    reason_not_steerable,
    reason_not_to_lead,
    reason_unhealthy,
)
from drtool.units import Duration

PRIMARY, REPLICA = node("pg1", "primary"), node("pg2")


def listed(lag: int | None, *, barred: bool = False) -> Listed:
    return Listed(called="pg2", state="streaming", lag_bytes=lag, barred=barred)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (cluster(), None),
        (cluster(settings=None, dcs_trouble="its DCS is gone"), "its DCS is gone (pg1: primary"),
        (cluster(node("pg1", "primary", dcs_age_seconds=31.0)), "no member has heard of its DCS"),
        (cluster(strangers=("pg9",)), "has the member pg9, which the inventory does not name"),
        (cluster(settings=Settings(paused=True)), "patroni.resume first"),
        (cluster(node("pg1", listed=None), REPLICA), "has no leader"),
        (cluster(node("pg1", "primary", state="stopping"), REPLICA), "does not run as one"),
    ],
)
def test_patroni_is_told_only_what_it_would_do(seen: Cluster, reason: str | None) -> None:
    found = reason_not_steerable(seen)
    assert found is None if reason is None else reason in str(found)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (PRIMARY, None),
        (REPLICA, None),
        (node("pg2", trouble="does not answer"), "pg2: does not answer"),
        (node("pg2", state="starting"), "pg2: replica streaming"),
        (node("pg2", replication="in archive recovery"), "that does not stream"),
        (node("pg2", listed=None), "does not list it"),
        (node("pg2", listed=listed(101)), "is 101 bytes behind, more than 100"),
        (node("pg2", listed=listed(None)), "an unknown number of bytes behind"),
        (node("pg2", dcs_age_seconds=31.0), "has not heard of its DCS for 31.0 s"),
    ],
)
def test_who_is_in_order(one: Node, reason: str | None) -> None:
    found = reason_unhealthy(one, 100)
    assert found is None if reason is None else reason in str(found)


def test_who_may_lead() -> None:
    seen = cluster(PRIMARY, node("pg2", listed=listed(50)), node("pg4", listed=listed(10)))
    assert best_candidate(seen, "pg1", 100) == "pg4"
    assert best_candidate(seen, "pg1", 5) is None
    assert reason_not_to_lead(seen, "pg9", 100) == "patroni east.orders_db has no member pg9"
    barred = cluster(PRIMARY, node("pg2", listed=listed(0, barred=True)))
    assert reason_not_to_lead(barred, "pg2", 100) == "pg2 bears the tag nofailover"
    assert best_candidate(barred, "pg1", 100) is None


def test_a_cluster_is_demoted_when_its_configuration_says_so_and_it_obeys() -> None:
    assert reason_not_demoted(cluster(settings=Settings(following=WEST))) is None
    assert "is a primary cluster" in str(reason_not_demoted(cluster()))
    paused = cluster(settings=Settings(following=WEST, paused=True))
    assert "is paused" in str(reason_not_demoted(paused))
    assert reason_not_demoted(cluster(settings=None, dcs_trouble="gone")) is not None


def test_only_its_own_server_shows_a_member_unable_to_write() -> None:
    assert reason_able_to_write(word("pg1"), "7412") is None
    assert "primary" in str(reason_able_to_write(word("pg1", standby=False), "7412"))
    assert "another cluster" in str(reason_able_to_write(word("pg1"), "99"))
    assert "not known" in str(reason_able_to_write(word("pg1"), None))
    silent = Word(place="east.orders_db.pg1", trouble="nothing listens")
    assert reason_able_to_write(silent, "7412") == "east.orders_db.pg1: nothing listens"


def test_the_end_is_known_when_every_member_told_it() -> None:
    both = (word("pg1", received=900), word("pg2", received=850))
    assert end_of(both) == 900
    silent = Word(place="east.orders_db.pg2", trouble="nothing listens")
    assert end_of((both[0], silent)) is None
    assert end_of((both[0], word("pg2", received=None))) is None
    assert end_of(()) is None


def proof(member: str, kind: ProofKind = ProofKind.PROCESSES, **changed: object) -> Proof:
    given = {
        "kind": kind, "subject": f"east.orders_db.{member}", "identity": "7412",
        "evidence": "no process", "at": NOW, "max_age": Duration(60), **changed,
    }  # fmt: skip
    return Proof.model_validate(given)


def test_a_cluster_is_fenced_when_each_of_its_members_is() -> None:
    place, known = Place(site="east", system="orders_db"), inventory()
    both = (proof("pg1"), proof("pg2"))
    assert trusted_proof(both, place, known, "7412", NOW) == both[0]
    assert reason_not_proven(both, place, known, "7412", NOW) is None
    reason = reason_not_proven(both[:1], place, known, "7412", NOW)
    assert "no fence of east.orders_db.pg2 holds now" in str(reason)
    whole = proof("pg1", subject="east.orders_db")
    assert reason_not_proven((whole,), place, known, "7412", NOW) is not None
    stranger = (proof("pg1"), proof("pg2", identity="99"))
    assert trusted_proof(stranger, place, known, "7412", NOW) is None


def test_a_human_word_makes_the_whole_unproven() -> None:
    place, known = Place(site="east", system="orders_db"), inventory()
    stated = proof("pg2", ProofKind.STATEMENT, identity="")
    found = trusted_proof((proof("pg1"), stated), place, known, "7412", NOW)
    assert found is not None
    assert found.kind is ProofKind.STATEMENT

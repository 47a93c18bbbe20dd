"""The DNS arbiter on real servers."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from dns_pair import DnsPair

from drtool.clock import SystemClock
from drtool.connections.dns import DnsReader
from drtool.errors import LeaseHeld, Unreachable
from drtool.journal.store import Journal
from drtool.lease.arbiter import take
from drtool.lease.dns import take_dns
from drtool.lease.dns_record import lease_name
from drtool.lease.kept import KeptLease
from drtool.model.inventory import Inventory
from drtool.model.place import Direction
from drtool.model.purpose import Procedure
from drtool.redact import Redactor


def record(pair: DnsPair, site: str = "west") -> tuple[str, ...]:
    context = pair.connections(pair.facts()).context
    return DnsReader.open(f"ns_{site}", context).answer(
        lease_name("orders", "lab.test"), "TXT"
    ).values  # fmt: skip


def take_at_west(pair: DnsPair, holder: str, run: str) -> KeptLease:
    context = pair.connections(pair.facts()).context
    return take_dns("orders", "west", context, holder, run)


@pytest.fixture
def sites(makes: DnsPair) -> DnsPair:
    """A server of each make at both sites."""
    makes.start_child("east")
    makes.start_child("west")
    return makes


def test_one_holds_renews_and_gives_back(sites: DnsPair) -> None:
    lease = take_at_west(sites, "ann at desk", "run-1")
    lease.check()
    with pytest.raises(LeaseHeld, match="held by ann at desk, run run-1, token 1"):
        take_at_west(sites, "ben", "run-2")
    lease._renew()
    lease.check()
    lease.release()
    assert record(sites) == ('"drtool-lease 1 token=1 free"',)
    other = take_at_west(sites, "ben", "run-2")
    assert other.token > lease.token
    other.release()


def test_of_many_takers_one_wins_and_the_others_name_it(sites: DnsPair) -> None:
    leases: list[KeptLease] = []
    refusals: list[str] = []
    start = threading.Barrier(12)

    def taker(number: int) -> None:
        start.wait()
        try:
            leases.append(take_at_west(sites, f"h{number}", f"run-{number}"))
        except LeaseHeld as error:
            refusals.append(error.found)

    threads = [threading.Thread(target=taker, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = leases
    assert len(refusals) == 11
    assert all(text.startswith(f"held by {winner.holder}, run run-") for text in refusals)
    winner.release()


def test_a_lost_reply_is_no_lost_lease(both: DnsPair) -> None:
    both.servers["west"].replies_to_lose = 1
    lease = take_at_west(both, "ann", "run-1")
    lease.check()
    both.servers["west"].replies_to_lose = 1
    lease._renew()
    lease.check()
    lease.release()
    assert both.servers["west"].lost == 2


def test_a_site_whose_servers_are_down_cannot_arbitrate(dns_pair: DnsPair) -> None:
    dns_pair.start("east")
    with pytest.raises(Unreachable, match="0 of the 1 dns servers of site west"):
        take_at_west(dns_pair, "ann", "run-1")


def test_a_planned_run_holds_both_sites_against_a_second_machine(
    both: DnsPair, tmp_path: Path
) -> None:
    known = both.inventory()
    services = {
        "orders": known.services["orders"].model_copy(
            update={"lease": known.services["orders"].lease.model_copy(update={"at": "dns"})}
        )
    }
    inventory = Inventory.model_validate(
        known.model_copy(update={"services": services}).model_dump(mode="json")
    )
    facts = both.facts().model_copy(
        update={"inventory": inventory, "procedure": Procedure.SWITCHOVER}
    )
    journals = [
        Journal.open(tmp_path / name / "journal.sqlite", SystemClock(), Redactor())
        for name in ("laptop", "desk")
    ]
    lease = take("orders", facts, both.connections(facts), journals[0], "ann")
    lease.check()
    assert "run=20261123" in record(both, "east")[0]
    assert "run=20261123" in record(both, "west")[0]
    failover = facts.model_copy(update={"procedure": Procedure.FAILOVER, "run": "other"})
    with pytest.raises(LeaseHeld, match="held by ann"):
        take("orders", failover, both.connections(facts), journals[1], "ben")
    lease.release()
    take("orders", failover, both.connections(facts), journals[1], "ben").release()
    drains = [
        facts.model_copy(
            update={
                "procedure": Procedure.DRAIN,
                "direction": Direction(from_site=site),
                "run": f"drain-{site}",
            }
        )
        for site in ("east", "west")
    ]
    lease = take("orders", drains[0], both.connections(facts), journals[0], "ann")
    with pytest.raises(LeaseHeld, match="held by ann"):
        take("orders", drains[1], both.connections(facts), journals[1], "ben")
    lease.release()
    for journal in journals:
        journal.close()

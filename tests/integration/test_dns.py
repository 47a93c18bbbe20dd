"""The DNS connection against the lab's server, Debian's knot and BIND."""

from __future__ import annotations

import time

import pytest
from dns_pair import ADDRESSES, NAME, ZONE, DnsPair, Silence, carry_out
from machine_servers import needed

from drtool.actions.dns import LowerTtl, Redirect, Resolves, Ttl
from drtool.connections.dns import Answer, DnsHands, DnsReader, Names, ZoneReader
from drtool.errors import AccessDenied, BadInput, Refused, StepFailed, Unreachable
from drtool.lab.servers.dns import KINDS
from drtool.model.purpose import Mode
from drtool.units import Duration

EAST, WEST = ADDRESSES["east"], ADDRESSES["west"]
OLD = Answer(name=NAME, values=(EAST,), ttl=Duration(5))


@pytest.fixture
def west(makes: DnsPair) -> DnsPair:
    """A server of each make at west; none answers at east."""
    makes.start_child("west")
    return makes


def test_reads_a_name_with_its_ttl(west: DnsPair) -> None:
    reader = west.hands().reach(DnsReader, "ns_west")
    assert reader.answer(NAME) == OLD
    assert reader.answer("nothing.lab.test").values == ()
    assert reader.answer(NAME, "TXT").values == ()
    reader.check_key()
    with pytest.raises((AccessDenied, StepFailed), match=r"elsewhere\.test"):
        reader.answer("elsewhere.test")


def test_compares_and_swaps(west: DnsPair) -> None:
    hands = west.hands().reach(DnsHands, "ns_west")
    hands.replace(OLD, (WEST,), Duration(7))
    assert west.asked("west") == ([WEST], 7)
    with pytest.raises(Refused, match="stale"):
        hands.replace(OLD, ("127.0.9.9",), Duration(5))
    assert west.asked("west") == ([WEST], 7)
    hands.replace(OLD, (WEST,), Duration(7))
    absent = Answer(name="lease.lab.test", rdtype="TXT")
    hands.replace(absent, ('"free"',), Duration(1))
    assert hands.answer("lease.lab.test", "TXT").values == ('"free"',)
    with pytest.raises(Refused):
        hands.replace(absent, ('"mine"',), Duration(1))


def test_redirects_and_lowers_the_ttl(west: DnsPair) -> None:
    hands = west.hands()
    lower = LowerTtl(ttl=Duration(2))
    before = lower.observe(hands)
    assert [str(change) for change in lower.changes(before)] == [f"TTL of {NAME}: 5s -> 2s"]
    assert not lower.changes(carry_out(lower, hands))
    assert west.asked("west") == ([EAST], 2)
    assert Ttl(max=Duration(2)).judge(Ttl(max=Duration(2)).observe(hands), hands.facts) is None
    lower.undo(hands, before)
    assert west.asked("west") == ([EAST], 5)
    seen = carry_out(Redirect(ttl=Duration(3)), hands)
    assert west.asked("west") == ([WEST], 3)
    assert not Redirect().changes(seen)
    assert seen.cut_off == ("ns_east",)
    assert Resolves().judge(Resolves().observe(hands), hands.facts) is None


def test_a_name_that_is_missing_is_given_its_address(west: DnsPair) -> None:
    hands = west.hands()
    redirect = Redirect(name="new.lab.test")
    assert redirect.observe(hands).address == ""
    assert not redirect.changes(carry_out(redirect, hands))
    assert west.asked("west", "new.lab.test")[0] == [WEST]


@pytest.mark.parametrize(
    ("change", "says"),
    [({"key_name": "stranger"}, "BADKEY"), ({"key": {"secret": "file:wrong"}}, "BADSIG")],
)
def test_names_what_is_wrong_with_a_key(
    west: DnsPair, change: dict[str, object], says: str
) -> None:
    wrong = west.directory / "wrong"
    wrong.write_text("eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=")
    wrong.chmod(0o600)
    with pytest.raises(AccessDenied, match=says):
        west.hands(dns=change).reach(DnsHands, "ns_west")
    assert west.asked("west")[0] == [EAST]


def test_an_alias_is_not_an_address(dns_pair: DnsPair) -> None:
    alias = f"alias.lab.test. 5 IN CNAME {NAME}.\n"
    dns_pair.zone_file("west").write_text(ZONE + alias)
    dns_pair.start("west")
    reader = dns_pair.hands().reach(DnsReader, "ns_west")
    assert reader.answer("alias.lab.test", "CNAME").values == (f"{NAME}.",)


@pytest.mark.parametrize("kind", KINDS)
def test_an_alias_is_told_as_such(dns_pair: DnsPair, kind: str) -> None:
    dns_pair.use(needed(KINDS[kind]()))
    address = next(line for line in ZONE.splitlines() if line.startswith(NAME))
    for site, zone in (
        ("east", ZONE.replace(address, f"{NAME}. 5 IN A {WEST}")),
        ("west", ZONE.replace(address, f"{NAME}. 5 IN CNAME ns1.lab.test.")),
    ):
        dns_pair.zone_file(site).write_text(zone)
        dns_pair.start_child(site)
    hands = dns_pair.hands()
    seen = Redirect().observe(hands)
    assert Redirect().changes(seen)
    assert [str(said) for said in seen.strangers] == ["ns_west alias of ns1.lab.test."]
    reason = Resolves().judge(Resolves().observe(hands), hands.facts)
    assert reason == f"{NAME} is ns_west alias of ns1.lab.test., expected {WEST}"
    with pytest.raises(StepFailed, match=r"is an alias of ns1\.lab\.test"):
        hands.reach(DnsReader, "ns_west").answer(NAME)


def test_a_closed_port_is_told_at_once_and_a_silent_one_within_its_limits(
    dns_pair: DnsPair,
) -> None:
    began = time.monotonic()
    with pytest.raises(Unreachable, match="nothing listens on its port"):
        dns_pair.hands().reach(DnsReader, "ns_west")
    assert time.monotonic() - began < 0.2
    silence = Silence(WEST, dns_pair.port)
    try:
        began = time.monotonic()
        with pytest.raises(Unreachable, match="does not answer in time"):
            dns_pair.hands().reach(DnsReader, "ns_west")
        assert 0.8 < time.monotonic() - began < 1.5
        assert silence.datagrams == 1
    finally:
        silence.close()


def test_udp_that_is_lost_is_made_up_for_over_tcp(
    dns_pair: DnsPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = dns_pair.start("west")
    real = server.reply
    monkeypatch.setattr(
        server, "reply", lambda message, *, tcp: real(message, tcp=tcp) if tcp else None
    )
    reader = dns_pair.hands().reach(DnsReader, "ns_west")
    assert reader.answer(NAME) == OLD


def test_names_resolve_through_the_zones_servers(both: DnsPair) -> None:
    facts = both.facts()
    names = Names(both.connections(facts).context)
    assert names.address(NAME) == EAST
    assert names.address(f"{NAME}.") == EAST
    assert names.address("127.0.7.7") == "127.0.7.7"
    assert names.address("localhost") in {"127.0.0.1", "::1"}
    both.stop("east")
    assert names.address(NAME) == EAST
    with pytest.raises(StepFailed, match="has no address"):
        names.address("nothing.lab.test")
    both.stop("west")
    with pytest.raises(Unreachable, match=r"no server of zone lab\.test answers"):
        names.address(NAME)
    names.close()


def test_says_what_the_inventory_lacks(both: DnsPair) -> None:
    with pytest.raises(BadInput, match="no such server; expected ns_east, ns_west"):
        both.hands().reach(DnsReader, "ns_north")
    facts = both.facts()
    bare = facts.inventory.model_copy(update={"dns": None})
    connections = both.connections(facts.model_copy(update={"inventory": bare}))
    with pytest.raises(BadInput, match="names no zone"):
        connections.get(ZoneReader, "")


def test_a_dry_run_looks_and_sends_no_update(both: DnsPair) -> None:
    look = both.look()
    assert look.facts.mode is Mode.DRY_RUN
    seen = Redirect().observe(look)
    assert [str(change) for change in Redirect().changes(seen)] == [f"{NAME}: {EAST} -> {WEST}"]
    assert all(server.updates == 0 for server in both.servers.values())

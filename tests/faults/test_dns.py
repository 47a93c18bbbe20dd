"""Faults F47 to F52 and the lies L06 and L07, against real servers."""

from __future__ import annotations

import base64
import threading
import time

import dns.update
import pytest
from dns_pair import ADDRESSES, NAME, DnsPair, carry_out
from engine_bench import plan_of
from fault_record import Fault

from drtool.action import Facts
from drtool.actions.dns import LowerTtl, Redirect, Resolves
from drtool.catalog import Catalog
from drtool.connections.dns import Answer, DnsHands, DnsReader, ZoneHands, ZoneReader, wire
from drtool.errors import AccessDenied, BadInput, Refused, StepFailed, Unreachable
from drtool.model.plan import Plan, PlanStep
from drtool.model.purpose import Procedure, Purpose, StepKind
from drtool.units import Duration
from drtool.verbs.preflight import Missed, open_all
from drtool.verbs.wanted import reason_not_to_start, wanted

pytestmark = pytest.mark.faults
EAST, WEST = ADDRESSES["east"], ADDRESSES["west"]
OLD = Answer(name=NAME, values=(EAST,), ttl=Duration(5))


@pytest.mark.parametrize("down", ["east", "west"])
def test_f47_with_one_server_down_the_other_is_updated_and_it_is_named(
    both: DnsPair, down: str, fault: Fault
) -> None:
    up = "west" if down == "east" else "east"
    both.stop(down)
    began = time.monotonic()
    seen = carry_out(Redirect(), both.hands())
    assert time.monotonic() - began < 1.0, "a closed port is noticed at once"
    assert both.asked(up) == ([WEST], 5)
    assert seen.cut_off == (f"ns_{down}",)
    fault.injected(f"ns_{down} is down")
    assert seen.agreeing == (f"ns_{up}",)
    fault.got(f"{seen.agreeing} updated, {seen.cut_off} named")
    assert not Redirect().changes(seen)


def test_f47_with_all_servers_down_it_waits_and_goes_on_when_one_is_back(
    dns_pair: DnsPair, fault: Fault
) -> None:
    hands = dns_pair.hands()
    seen = Redirect().observe(hands)
    assert seen.cut_off == ("ns_east", "ns_west"), "the injection took effect"
    fault.injected("both servers are down")
    assert Redirect().changes(seen)
    waiting = Redirect().reason_to_wait(seen)
    assert waiting is not None
    assert "0 of at least 1" in waiting
    assert "nothing listens" in waiting
    fault.got(waiting)
    dns_pair.start("west")
    seen = carry_out(Redirect(), hands)
    assert dns_pair.asked("west") == ([WEST], 5)
    assert not Redirect().changes(seen)


def test_f48_a_stale_server_blocks(both: DnsPair, fault: Fault) -> None:
    hands = both.hands()
    carry_out(Redirect(), hands)
    both.set_values("east", EAST)
    assert both.asked("east")[0] == [EAST]
    fault.injected("ns_east answers the old value")
    check = Resolves()
    seen = check.observe(hands)
    reason = check.judge(seen, hands.facts)
    assert reason == f"{NAME} is ns_east {EAST}, expected {WEST}"
    fault.got(reason)
    assert Redirect().changes(seen)


def test_f48_a_server_that_answers_an_alias_blocks(both: DnsPair, fault: Fault) -> None:
    hands = both.hands()
    both.servers["west"].alias = "east.lab.test."
    both.set_values("east", WEST)
    seen = Redirect().observe(hands)
    assert (seen.agreeing, seen.cut_off) == (("ns_east",), ())
    fault.injected("ns_east is updated, ns_west answers an older zone with an alias")
    assert Redirect().changes(seen)
    told = f"{NAME} is ns_west alias of east.lab.test., expected {WEST}"
    assert Redirect().reason_not_to_apply(seen, hands.facts) == (
        f"the plan is stale: {told} or {EAST}"
    )
    reason = Resolves().judge(Resolves().observe(hands), hands.facts)
    assert reason == told
    fault.got(reason)
    with pytest.raises(StepFailed, match="servers differ"):
        hands.reach(ZoneReader, "").address(NAME)
    both.servers["east"].alias = "east.lab.test."
    with pytest.raises(StepFailed, match="has no address: ns_east alias of"):
        hands.reach(ZoneReader, "").address(NAME)
    with pytest.raises(Refused, match="alias of east"):
        carry_out(LowerTtl(ttl=Duration(2)), hands)
    assert not any(server.updates for server in both.servers.values())


def test_f48_an_old_value_without_authority_blocks_and_a_new_one_agrees_with_nothing(
    both: DnsPair, fault: Fault
) -> None:
    hands = both.hands()
    both.set_values("east", WEST)
    both.servers["west"].authority = False
    fault.injected("ns_west answers without authority")
    seen = Resolves().observe(hands)
    reason = Resolves().judge(seen, hands.facts)
    assert reason == f"{NAME} is ns_west {EAST} (without authority), expected {WEST}"
    fault.got(reason)
    both.set_values("west", WEST)
    seen = Resolves().observe(hands)
    assert (seen.agreeing, seen.behind, seen.cut_off) == (("ns_east",), (), ())
    assert hands.reach(ZoneReader, "").address(NAME) == WEST
    both.stop("east")
    assert "0 of at least 1" in (Resolves().judge(Resolves().observe(hands), hands.facts) or "")
    with pytest.raises(Unreachable, match="no server of zone"):
        hands.reach(ZoneReader, "").address(NAME)
    both.set_values("west")
    assert Resolves().observe(hands).cut_off == ("ns_east", "ns_west")


def test_f48_a_cut_off_server_is_named_and_does_not_block(dns_pair: DnsPair, fault: Fault) -> None:
    dns_pair.start_child("east")
    dns_pair.start("west")
    hands = dns_pair.hands()
    assert hands.reach(ZoneHands, "").min_servers == 1
    assert not Redirect().observe(hands).cut_off
    dns_pair.freeze("east")
    began = time.monotonic()
    seen = carry_out(Redirect(), hands)
    took = time.monotonic() - began
    assert seen.cut_off == ("ns_east",), "the injection took effect"
    fault.injected("ns_east is frozen")
    assert not Redirect().changes(seen)
    assert dns_pair.asked("west") == ([WEST], 5)
    assert took < 2.5
    began = time.monotonic()
    assert Resolves().judge(Resolves().observe(hands), hands.facts) is None
    assert time.monotonic() - began < 0.5, "known to be silent, it is asked only briefly"


def test_f48_too_few_servers_do_not_suffice(both: DnsPair, fault: Fault) -> None:
    both.stop("east")
    hands = both.hands(dns={"min_servers": 2})
    seen = carry_out(Redirect(), hands)
    assert both.asked("west") == ([WEST], 5), "what can be moved is moved"
    assert Redirect().changes(seen)
    waiting = Redirect().reason_to_wait(seen)
    assert waiting is not None
    assert "1 of at least 2" in waiting
    fault.injected("ns_east is down")
    fault.got(waiting)
    both.start("east")
    assert not Redirect().changes(carry_out(Redirect(), hands))


def test_f48_a_server_that_returns_with_its_old_zone_is_updated_too(
    makes: DnsPair, fault: Fault
) -> None:
    makes.start_child("east")
    makes.start_child("west")
    makes.freeze("east")
    hands = makes.hands()
    seen = carry_out(Redirect(), hands)
    assert seen.cut_off == ("ns_east",)
    makes.thaw("east")
    seen = Redirect().observe(hands)
    assert [said.server for said in seen.behind] == ["ns_east"]
    fault.injected("ns_east was frozen, and is back with its old zone")
    carry_out(Redirect(), hands)
    assert makes.asked("east") == ([WEST], 5)


def test_f48_a_server_that_returns_has_its_peers_zone_before_it_answers(
    makes: DnsPair, fault: Fault
) -> None:
    makes.start_child("east")
    makes.start_child("west")
    hands = makes.hands()
    assert carry_out(LowerTtl(ttl=Duration(2)), hands).cut_off == (), "both have a history"
    makes.kill_child("east")
    assert carry_out(Redirect(), hands).cut_off == ("ns_east",)
    fault.injected("ns_east is killed")
    makes.start_child("east")
    assert makes.asked("east") == makes.asked("west") == ([WEST], 5), "its first answer"
    assert not Redirect().changes(carry_out(Redirect(), hands))


def test_f48_a_server_that_returns_alone_has_what_it_answered_before(
    makes: DnsPair, fault: Fault
) -> None:
    makes.start_child("west")
    carry_out(Redirect(), makes.hands())
    makes.kill_child("west")
    fault.injected("ns_west was killed")
    makes.start_child("west")
    assert makes.asked("west") == ([WEST], 5)
    makes.start_child("east")
    assert makes.asked("east") == ([WEST], 5)


def test_f48_a_server_that_was_ahead_of_its_peer_stays_ahead(makes: DnsPair, fault: Fault) -> None:
    makes.start_child("east")
    makes.start_child("west")
    hands = makes.hands()
    carry_out(LowerTtl(ttl=Duration(2)), hands)
    makes.kill_child("west")
    carry_out(Redirect(), hands)
    makes.kill_child("east")
    makes.start_child("west")
    assert makes.asked("west") == ([EAST], 2), "older than its peer's, newer than the first"
    fault.injected("ns_west is back alone, older than ns_east was")
    makes.start_child("east")
    assert makes.asked("east") == ([WEST], 5)


def test_f49_a_lost_reply_is_asked_after_and_the_update_not_repeated(
    both: DnsPair, fault: Fault
) -> None:
    both.servers["west"].replies_to_lose = 1
    both.stop("east")
    seen = carry_out(Redirect(), both.hands())
    assert both.servers["west"].lost == 1, "the injection took effect"
    fault.injected("the reply to one update was lost")
    assert both.servers["west"].updates == 1
    assert seen.agreeing == ("ns_west",)
    assert both.servers["west"].zone.serial == 2


def test_f49_an_update_that_never_arrived_is_repeated(
    both: DnsPair, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    both.stop("east")
    server = both.servers["west"]
    dropped: list[bytes] = []
    real = server.reply

    def drop_first_update(message: bytes, *, tcp: bool) -> bytes | None:
        is_update = message[2] >> 3 & 0xF == 5
        if is_update and not dropped:
            dropped.append(message)
            return None
        return real(message, tcp=tcp)

    monkeypatch.setattr(server, "reply", drop_first_update)
    seen = carry_out(Redirect(), both.hands())
    assert len(dropped) == 1, "the injection took effect"
    fault.injected("one update never arrived")
    assert server.updates == 1
    assert seen.agreeing == ("ns_west",)


def test_f50_a_stale_plan_is_refused(both: DnsPair, fault: Fault) -> None:
    both.set_values("east", "127.0.9.9")
    assert both.asked("east")[0] == ["127.0.9.9"]
    fault.injected("ns_east was changed by somebody else")
    hands = both.hands()
    with pytest.raises(Refused, match=r"stale.*ns_east 127\.0\.9\.9"):
        carry_out(Redirect(), hands)
    assert both.asked("east")[0] == ["127.0.9.9"]
    assert both.asked("west")[0] == [EAST], "no server was changed"


def test_f50_a_change_between_the_look_and_the_update_is_refused_by_the_server(
    both: DnsPair, fault: Fault
) -> None:
    hands = both.hands().reach(DnsHands, "ns_east")
    both.set_values("east", "127.0.9.9")
    assert both.asked("east")[0] == ["127.0.9.9"]
    fault.injected("ns_east was changed after the look")
    with pytest.raises(Refused, match=r"127\.0\.9\.9 by now: the plan is stale"):
        hands.replace(OLD, (WEST,), Duration(5))
    assert both.servers["east"].updates == 1, "the server was asked and refused"
    assert both.asked("east")[0] == ["127.0.9.9"]


def test_f50_what_somebody_else_has_done_already_is_adopted(both: DnsPair, fault: Fault) -> None:
    hands = both.hands().reach(DnsHands, "ns_east")
    both.set_values("east", WEST)
    assert both.asked("east")[0] == [WEST]
    fault.injected("somebody else did it")
    hands.replace(OLD, (WEST,), Duration(5))
    assert both.servers["east"].updates == 1
    assert both.servers["east"].zone.serial == 1


def test_f51_an_emptying_plan_is_refused_before_anything_is_sent(
    both: DnsPair, fault: Fault
) -> None:
    hands = both.hands().reach(DnsHands, "ns_east")
    with pytest.raises(Refused, match="empty"):
        hands.replace(OLD, (), Duration(5))
    fault.injected("a plan without a value was handed in")
    assert both.servers["east"].updates == 0
    assert both.asked("east") == ([EAST], 5)
    emptying = dns.update.UpdateMessage("lab.test.")
    emptying.delete(f"{NAME}.", "A")
    assert wire.emptied_names(emptying) == [f"{NAME}."]
    emptying.add(f"{NAME}.", 5, "TXT", "text")
    assert wire.emptied_names(emptying) == [f"{NAME}."]
    emptying.add(f"{NAME}.", 5, "A", WEST)
    assert wire.emptied_names(emptying) == []


def test_f51_the_name_is_never_empty_while_it_is_redirected(both: DnsPair, fault: Fault) -> None:
    empty: list[str] = []
    looks, done = [0], threading.Event()

    def watch() -> None:
        while not done.is_set():
            looks[0] += 1
            empty.extend(site for site in ADDRESSES if not both.asked(site)[0])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for _ in range(10):
            carry_out(Redirect(), both.hands())
            carry_out(Redirect(address=EAST, replaces=WEST), both.hands())
    finally:
        done.set()
        watcher.join()
    assert looks[0] > 10
    fault.injected(f"the name was asked for {looks[0]} times while it was redirected 20 times")
    assert not empty


def test_f52_a_wrong_secret_is_named_before_anything_is_sent(both: DnsPair, fault: Fault) -> None:
    both.key_file.write_text(base64.b64encode(b"x" * 32).decode())
    with pytest.raises(AccessDenied, match=r"another secret.*BADSIG") as caught:
        both.hands().reach(DnsHands, "ns_west")
    assert "eHh4" not in caught.value.text(), "the secret stays secret"
    assert caught.value.hint
    fault.injected("the server said BADSIG")
    fault.got(caught.value.line())
    _nothing_was_changed(both)


def test_f52_one_server_that_does_not_take_the_key_is_named_and_the_other_is_updated(
    dns_pair: DnsPair, fault: Fault
) -> None:
    ours, dns_pair.secret = dns_pair.secret, base64.b64encode(b"x" * 32).decode()
    dns_pair.start("east")
    dns_pair.secret = ours
    dns_pair.start("west")
    hands = dns_pair.hands()
    plan, missed = plan_with_redirect(hands.facts), missing(hands.facts, dns_pair)
    assert [(miss.wanted.target, type(miss.error)) for miss in missed] == [
        ("ns_east", AccessDenied)
    ]
    fault.injected(missed[0].error.line())
    assert reason_not_to_start(plan, missed) is None, "the other site is promoted all the same"
    planned = plan.model_copy(update={"procedure": Procedure.SWITCHOVER})
    assert reason_not_to_start(planned, missed) is missed[0].error
    with pytest.raises(AccessDenied, match=r"ns_east.*BADSIG") as caught:
        carry_out(Redirect(), hands)
    fault.got(caught.value.line())
    assert (dns_pair.asked("east")[0], dns_pair.asked("west")[0]) == ([EAST], [WEST])


def test_f52_a_key_that_no_server_takes_keeps_a_failover_from_its_start(
    both: DnsPair, fault: Fault
) -> None:
    both.key_file.write_text(base64.b64encode(b"x" * 32).decode())
    both.stop("east")
    facts = both.facts()
    missed = missing(facts, both)
    fault.injected("; ".join(miss.error.line() for miss in missed))
    reason = reason_not_to_start(plan_with_redirect(facts), missed)
    assert isinstance(reason, AccessDenied)
    assert "BADSIG" in reason.line()
    fault.got(reason.line())


def test_f52_an_unknown_key_is_named(both: DnsPair, fault: Fault) -> None:
    with pytest.raises(AccessDenied, match=r"does not know the TSIG key stranger.*BADKEY"):
        both.hands(dns={"key_name": "stranger"}).reach(DnsHands, "ns_east")
    with pytest.raises(AccessDenied, match="BADKEY"):
        both.hands(dns={"algorithm": "hmac-sha512"}).reach(DnsHands, "ns_west")
    fault.injected("the server said BADKEY")
    _nothing_was_changed(both)


def test_f52_a_dry_run_names_a_wrong_key_too(both: DnsPair, fault: Fault) -> None:
    look = both.look(dns={"key_name": "stranger"})
    with pytest.raises(AccessDenied, match="BADKEY"):
        Redirect().observe(look)
    fault.injected("the server said BADKEY")


def test_f52_clock_skew_is_named_with_both_times(
    both: DnsPair, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    hands = both.hands()
    reader = hands.reach(DnsReader, "ns_east")
    real, ours = time.time, threading.current_thread()

    def behind() -> float:
        return real() - (3600 if threading.current_thread() is ours else 0)

    monkeypatch.setattr("time.time", behind)
    with pytest.raises(
        AccessDenied, match=r"clock.*UTC.*UTC, (3599|3600|3601) s.*BADTIME"
    ) as caught:
        reader.check_key()
    monkeypatch.undo()
    assert "300 s" in caught.value.line()
    fault.injected("our clock is an hour behind: BADTIME")
    fault.got(caught.value.line())
    _nothing_was_changed(both)


def test_f52_a_key_without_the_right_to_update_is_named(
    both: DnsPair, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    for code in (dns.rcode.REFUSED, dns.rcode.NOTAUTH):
        for server in both.servers.values():
            monkeypatch.setattr(server, "update", lambda _, code=code: code)
        with pytest.raises(AccessDenied, match=f"does not let the TSIG key.*{code.name}"):
            carry_out(Redirect(), both.hands())
    _nothing_was_changed(both)
    fault.injected("the servers answered REFUSED, then NOTAUTH")


def test_f52_a_key_that_is_not_base64_is_bad_input(both: DnsPair, fault: Fault) -> None:
    both.key_file.write_text("not base64!")
    with pytest.raises(BadInput, match="TSIG key drtool: its secret is not base64"):
        both.hands().reach(ZoneHands, "")
    fault.injected("the key's file holds no base64")


def test_l06_noerror_with_an_unchanged_zone_is_seen(both: DnsPair, fault: Fault) -> None:
    for server in both.servers.values():
        server.says_noerror_and_keeps = True
    hands = both.hands()
    seen = carry_out(Redirect(), hands)
    assert all(server.updates == 1 for server in both.servers.values()), "the lie was told"
    fault.injected("both servers said NOERROR and kept their zone")
    changes = Redirect().changes(seen)
    assert [(change.before, change.after) for change in changes] == [(EAST, WEST)]
    assert Resolves().judge(Resolves().observe(hands), hands.facts)


def test_l07_one_server_that_keeps_the_old_value_blocks(both: DnsPair, fault: Fault) -> None:
    both.servers["east"].says_noerror_and_keeps = True
    hands = both.hands()
    seen = carry_out(Redirect(), hands)
    assert both.asked("west")[0] == [WEST]
    assert both.servers["east"].updates == 1, "the lie was told"
    fault.injected("ns_east said NOERROR and kept its zone")
    assert Redirect().changes(seen), "one server of min_servers agrees, and it is not done"
    assert Resolves().judge(seen, hands.facts) == f"{NAME} is ns_east {EAST}, expected {WEST}"
    with pytest.raises(StepFailed, match="differ"):
        hands.reach(ZoneReader, "").address(NAME)


def test_f50_a_value_that_no_record_can_hold_is_named_and_nothing_is_sent(
    both: DnsPair, fault: Fault
) -> None:
    hands = both.hands().reach(DnsHands, "ns_east")
    fault.injected("an address of IPv6 comes where an A record is to be written")
    with pytest.raises(BadInput, match=r"name orders.lab.test: 2001:db8::10 is no A record"):
        hands.replace(OLD, ("2001:db8::10",), Duration(5))
    _nothing_was_changed(both)


def plan_with_redirect(facts: Facts) -> Plan:
    redirect = PlanStep(
        name="redirect",
        kind=StepKind.ACTION,
        action="dns.redirect",
        purpose=Purpose.REDIRECT,
        deadline=Duration(10),
    )
    return plan_of(redirect, inventory=facts.inventory)


def missing(facts: Facts, pair: DnsPair) -> tuple[Missed, ...]:
    """What a start misses of the connections of a redirection."""
    needs = wanted(plan_with_redirect(facts), Catalog.load(), facts)
    return open_all(pair.connections(facts), needs)


def _nothing_was_changed(pair: DnsPair) -> None:
    assert [pair.asked(site)[0] for site in ADDRESSES] == [[EAST], [EAST]]

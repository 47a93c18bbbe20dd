"""F53 and L08: resolvers that stand between the zone and its clients, and keep the old address."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from caching_resolver import CachingResolver, caching_resolver
from dns_pair import ADDRESSES, NAME, DnsPair, Silence, carry_out, free_port
from fault_record import Fault

from drtool.action import Hands
from drtool.actions.dns import Redirect, Resolves
from drtool.actions.http import Answers
from drtool.errors import DrtoolError, StepFailed

pytestmark = pytest.mark.faults
EAST, WEST = ADDRESSES["east"], ADDRESSES["west"]


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def page_at_west() -> Iterator[int]:
    server = ThreadingHTTPServer((WEST, free_port()), Page)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def asking(pair: DnsPair, *resolvers: CachingResolver | Silence, port: int = 8080) -> Hands:
    """Hands whose inventory names the resolvers that clients ask."""
    named: dict[str, Any] = {}
    for number, one in enumerate(resolvers):
        host, at = ("127.0.0.1", one.port) if isinstance(one, CachingResolver) else one.where
        named[f"isp_{number}"] = {"address": host, "port": at}
    return pair.hands(url=f"http://{NAME}:{port}", dns={"resolvers": named})


def answers(hands: Hands) -> str:
    """Why the page is not seen from outside, or nothing."""
    check = Answers()
    try:
        return check.judge(check.observe(hands), hands.facts) or ""
    except DrtoolError as error:
        return error.line()


def test_f53_a_client_whose_resolver_keeps_the_old_ttl_counts_until_it_has_run_out(
    both: DnsPair, fault: Fault
) -> None:
    for site in ("east", "west"):
        both.set_values(site, EAST, ttl=2)
    with page_at_west() as port, caching_resolver((EAST, both.port)) as resolver:
        hands = asking(both, resolver, port=port)
        resolver.prime(NAME)
        kept = time.monotonic()
        carry_out(Redirect(), hands)
        assert resolver.values(NAME) == [EAST]
        fault.injected("the zone has moved, and the resolver still gives the old address")
        reason = answers(hands)
        assert "resolver isp_0 still answers 127.0.1.1" in reason
        assert "127.0.2.1" in reason
        behind = Resolves().observe(hands)
        assert "isp_0" in (Resolves().judge(behind, hands.facts) or "")
        while answers(hands):
            assert time.monotonic() - kept < 10
            time.sleep(0.02)
        assert time.monotonic() - kept >= 2
        assert resolver.values(NAME) == [WEST]
        assert Resolves().judge(Resolves().observe(hands), hands.facts) is None
        fault.got(
            f"seen from outside {time.monotonic() - kept:.1f} s after it was cached; {reason}"
        )


def test_l08_a_resolver_that_answers_the_old_address_is_never_passed_over(
    both: DnsPair, fault: Fault
) -> None:
    with page_at_west() as port, caching_resolver((EAST, both.port), lie=EAST) as resolver:
        hands = asking(both, resolver, port=port)
        carry_out(Redirect(), hands)
        assert both.asked("west") == ([WEST], 5)
        assert resolver.values(NAME) == [EAST]
        fault.injected("the resolver answers the old address, whatever the zone says")
        reason = answers(hands)
        assert "still answers" in reason
        fault.got(reason)
        resolver.lie = ""
        assert answers(hands) == ""


def test_f53_a_lost_datagram_makes_no_resolver_silent(both: DnsPair, fault: Fault) -> None:
    with page_at_west() as port, caching_resolver((EAST, both.port)) as resolver:
        hands = asking(both, resolver, port=port)
        resolver.prime(NAME)
        carry_out(Redirect(), hands)
        resolver.drops = 1
        reason = Resolves().judge(Resolves().observe(hands), hands.facts)
        assert resolver.dropped == 1
        fault.injected("the question was lost; the resolver keeps the old address")
        assert f"{NAME} is kept by resolvers: isp_0 {EAST} (kept for" in (reason or "")
        resolver.drops = 1
        assert "resolver isp_0 still answers" in answers(hands)
        assert resolver.dropped == 2
        fault.got(reason or "")


def test_f53_a_resolver_that_falls_silent_counts_until_its_last_answer_has_run_out(
    both: DnsPair, fault: Fault
) -> None:
    for site in ("east", "west"):
        both.set_values(site, EAST, ttl=3)
    with page_at_west() as port, caching_resolver((EAST, both.port)) as resolver:
        hands = asking(both, resolver, port=port)
        resolver.prime(NAME)
        carry_out(Redirect(), hands)
        assert "isp_0" in answers(hands)
        assert Resolves().judge(Resolves().observe(hands), hands.facts)
        heard = time.monotonic()
        resolver.drops = 1_000_000
        reason = Resolves().judge(Resolves().observe(hands), hands.facts) or ""
        assert resolver.dropped
        fault.injected("the resolver answers nothing any more")
        assert f"isp_0 {EAST} (kept for " in reason
        assert "; now: does not answer in time" in reason
        assert "resolver isp_0 still answers" in answers(hands)
        while answers(hands) or Resolves().judge(Resolves().observe(hands), hands.facts):
            assert time.monotonic() - heard < 10
        assert time.monotonic() - heard > 1, "its last answer was given for so long"
        seen = Resolves().observe(hands)
        assert [one.trouble != "" for one in seen.resolvers] == [True]
        fault.got(reason)


def test_f53_a_resolver_that_is_cut_off_is_named_and_does_not_block(
    both: DnsPair, fault: Fault
) -> None:
    silence = Silence("127.0.0.1", free_port())
    try:
        with page_at_west() as port:
            hands = asking(both, silence, port=port)
            carry_out(Redirect(), hands)
            began = time.monotonic()
            assert answers(hands) == ""
            assert time.monotonic() - began < 1.0, "a silent resolver gets 0.6 s"
            began = time.monotonic()
            assert answers(hands) == ""
            assert time.monotonic() - began < 0.4, "and is not waited for again at once"
            assert silence.datagrams == 2
            fault.injected(f"{silence.datagrams} questions were not answered")
            seen = Resolves().observe(hands)
            assert [(one.resolver, one.trouble != "") for one in seen.resolvers] == [
                ("isp_0", True)
            ]
    finally:
        silence.close()


def test_f53_names_that_are_no_endpoint_are_not_asked_of_resolvers(
    both: DnsPair, fault: Fault
) -> None:
    with caching_resolver((EAST, both.port), lie=EAST) as resolver:
        hands = asking(both, resolver)
        assert resolver.values(NAME) == [EAST]
        fault.injected("a resolver lies about every name")
        resolver.asked = 0
        check = Answers(url="http://ns1.lab.test:1/")
        with pytest.raises(DrtoolError) as told:
            check.observe(hands)
        assert not isinstance(told.value, StepFailed)
        assert resolver.asked == 0

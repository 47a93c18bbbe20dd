"""Services that lie about the orders that they take: L09 to L12, over real HTTP and DNS."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from dns_pair import ADDRESSES, NAME, DnsPair, carry_out, free_port
from fault_record import Fault

from drtool.action import Hands
from drtool.actions.dns import Redirect
from drtool.actions.http import Writes
from drtool.errors import StepFailed

pytestmark = pytest.mark.faults
EAST, WEST = ADDRESSES["east"], ADDRESSES["west"]


class Shop:
    """A web service that takes orders, and lies as it is told."""

    def __init__(self, site: str) -> None:
        self.site = self.says = site
        self.cached: bytes | None = None
        self.error = ""
        self.commits = True
        self.orders: dict[str, dict[str, object]] = {}
        self.requests: list[str] = []


@contextmanager
def serving(shop: Shop, port: int) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if shop.cached is None:
                shop.orders[order["id"]] = order
            said = {"id": order["id"], "site": shop.says}
            self._say(200 if shop.cached or shop.error else 201, said)

        def do_GET(self) -> None:
            found = shop.orders.get(self.path.rpartition("/")[2])
            self._say(200 if found or shop.cached else 404, dict(found or {}, site=shop.says))

        def do_DELETE(self) -> None:
            if not shop.commits:
                shop.orders.clear()
            gone = shop.orders.pop(self.path.rpartition("/")[2], None)
            self._say(200 if gone else 404, {})

        def log_message(self, *args: object) -> None:
            pass

        def _say(self, status: int, said: dict[str, object]) -> None:
            if shop.error:
                said["error"] = shop.error
            shop.requests.append(f"{self.command} {self.headers['Host']}")
            body = shop.cached or json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer((ADDRESSES[shop.site], port), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def shops(both: DnsPair) -> Iterator[tuple[Hands, dict[str, Shop]]]:
    port = free_port()
    found = {site: Shop(site) for site in ADDRESSES}
    hands = both.hands(url=f"http://{NAME}:{port}")
    with serving(found["east"], port), serving(found["west"], port):
        yield hands, found


def test_an_honest_shop_passes_and_the_probe_is_taken_away(
    shops: tuple[Hands, dict[str, Shop]],
) -> None:
    hands, found = shops
    carry_out(Redirect(), hands)
    written = Writes().run(hands)
    assert (written.address, written.site, written.left_behind) == (WEST, "west", "")
    assert [line.split()[0] for line in found["west"].requests] == ["POST", "GET", "DELETE"]
    assert all(line.split()[1].startswith(NAME) for line in found["west"].requests)
    assert not found["west"].orders
    assert not found["east"].requests


def test_l09_a_probe_that_would_reach_the_old_site_is_not_sent(
    shops: tuple[Hands, dict[str, Shop]], fault: Fault
) -> None:
    hands, found = shops
    with pytest.raises(StepFailed, match=f"leads to {EAST}.*{WEST}"):
        Writes().run(hands)
    fault.injected("the service's name leads to the old site")
    assert not found["east"].requests


@pytest.mark.parametrize("says", ["east", EAST])
def test_l09_a_service_that_passes_the_probe_on_to_the_old_site_is_seen(
    shops: tuple[Hands, dict[str, Shop]], says: str, fault: Fault
) -> None:
    hands, found = shops
    carry_out(Redirect(), hands)
    found["west"].says = says
    with pytest.raises(StepFailed, match="the reply says it was done at east"):
        Writes().run(hands)
    assert found["west"].requests, "the lie was told"
    fault.injected(f"the service at west says that {says} did it")
    assert not found["west"].orders, "the probe was taken away all the same"


def test_l10_200_from_a_cache_is_no_write(
    shops: tuple[Hands, dict[str, Shop]], fault: Fault
) -> None:
    hands, found = shops
    carry_out(Redirect(), hands)
    found["west"].cached = b'{"id": "an earlier one", "site": "west"}'
    with pytest.raises(StepFailed, match=r"GET .* answered 200 without"):
        Writes().run(hands)
    assert [line.split()[0] for line in found["west"].requests] == ["POST", "GET", "DELETE"]
    fault.injected("every request was answered 200 from a cache")


def test_l11_200_with_an_error_in_the_body_is_no_write(
    shops: tuple[Hands, dict[str, Shop]], fault: Fault
) -> None:
    hands, found = shops
    carry_out(Redirect(), hands)
    found["west"].error = "the database is read only"
    with pytest.raises(StepFailed, match="answered 200, yet says error: ") as failed:
        Writes().run(hands)
    assert [line.split()[0] for line in found["west"].requests] == ["POST", "DELETE"]
    fault.injected("the service answered 200 and the order's own id, with an error in the body")
    fault.got(failed.value.line())


def test_l12_an_order_that_is_gone_before_its_commit_is_no_write(
    shops: tuple[Hands, dict[str, Shop]], fault: Fault
) -> None:
    hands, found = shops
    carry_out(Redirect(), hands)
    found["west"].commits = False
    with pytest.raises(StepFailed, match="acknowledged and read back, and is gone") as failed:
        Writes().run(hands)
    asked = [line.split()[0] for line in found["west"].requests]
    assert asked == ["POST", "GET", "DELETE", "GET"]
    assert not found["west"].orders
    fault.injected("the order was acknowledged and shown, and never committed")
    fault.got(failed.value.line())

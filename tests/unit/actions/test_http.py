from __future__ import annotations

import json

import pytest

from drtool.action import Entry, Hands
from drtool.actions.http import Answers, Request, Writes
from drtool.actions.http.page import error_told, other_site_named, page
from drtool.connections.http import HttpHands, HttpReader, Reply
from drtool.errors import BadInput, InDoubt, StepFailed
from drtool.model.inventory import Inventory
from drtool.model.value import Fields
from drtool.testing.contract import check_action
from drtool.testing.fakes import fake_facts
from drtool.testing.world import FakeConnections

EAST, WEST = "127.0.1.1", "127.0.2.1"
INVENTORY = Inventory.model_validate(
    {
        "version": 1,
        "services": {
            "orders": {
                "endpoint": "orders.lab.test",
                "url": "http://orders.lab.test:8080/",
                "preferred": "east",
            },
            "bare": {"preferred": "east"},
        },
        "sites": {"east": {"address": EAST}, "west": {"address": WEST}},
    }
)
FACTS = fake_facts(INVENTORY)


def reply(status: int = 200, body: str = "", method: str = "GET", address: str = WEST) -> Reply:
    url = "http://orders.lab.test:8080/orders"
    return Reply(method=method, url=url, address=address, status=status, body=body)


@pytest.mark.parametrize(
    ("fields", "answered", "reason"),
    [
        ({}, reply(), None),
        ({"status": [204]}, reply(204), None),
        ({}, reply(503, "sorry"), "answered 503: sorry, expected 200"),
        ({"status": [200, 204]}, reply(302), "answered 302, expected 200 or 204"),
        ({"contains": ["welcome"]}, reply(body="welcome back"), None),
        ({"contains": ["welcome"]}, reply(body="bye"), "answered 200 without 'welcome': bye"),
        (
            {"lacks": ["error"]},
            reply(body='{"Error": "no database"}'),
            'answered 200, but its body says \'error\': {"Error": "no database"}',
        ),
    ],
)
def test_how_an_answer_is_judged(fields: Fields, answered: Reply, reason: str | None) -> None:
    found = Answers.model_validate(fields).judge(answered, FACTS)
    if reason is None:
        assert found is None
    else:
        assert found == f"GET {answered.url} at {WEST} {reason}"


@pytest.mark.parametrize(
    ("body", "other"),
    [
        ("not json", None),
        ('{"site": "west", "database": "127.0.2.1"}', None),
        ('{"site": "east"}', "east"),
        ('{"database": "127.0.1.1"}', "east"),
        ('{"item": "from east to west"}', None),
        ('["east"]', None),
    ],
)
def test_which_other_site_a_reply_names(body: str, other: str | None) -> None:
    assert other_site_named(reply(body=body), INVENTORY, "west") == other


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("not json", None),
        ('["error"]', None),
        ('{"error": null, "errors": [], "ok": true}', None),
        ('{"item": "an error"}', None),
        ('{"id": "1", "Error": "the database is read only"}', 'Error: "the database is read only"'),
        ('{"errors": ["no disk"]}', 'errors: ["no disk"]'),
        ('{"success": false}', "success: false"),
    ],
)
def test_what_error_a_reply_tells_of(body: str, told: str | None) -> None:
    assert error_told(reply(body=body)) == told


def test_the_page_is_the_services_own() -> None:
    assert page(FACTS, None, "/orders") == "http://orders.lab.test:8080/orders"
    assert page(FACTS, "https://other.test/api/", "/x") == "https://other.test/api/x"
    with pytest.raises(BadInput, match="names no url"):
        page(FACTS.model_copy(update={"service": "bare"}), None, "/")


@pytest.mark.parametrize(
    ("action", "example"),
    [
        (Answers, {"path": "/health", "lacks": ["error"], "timeout": "1s"}),
        (Request, {"path": "/hook", "body": {"a": 1}, "headers": {"X": {"secret": "env:TOKEN"}}}),
        (Writes, {"path": "/things", "body": {"key": "{id}"}, "clean_up": None}),
    ],
)
def test_contract(action: type[Entry], example: Fields) -> None:
    check_action(action, example, FACTS)


class FakeShop(HttpHands):
    """Answers by a script, and remembers what it was sent."""

    def __init__(
        self, *, address: str = WEST, lose: str = "", forget: bool = False, rolls_back: bool = False
    ) -> None:
        self.at, self.lose, self.forget, self.rolls_back = address, lose, forget, rolls_back
        self.removes = True
        self.sent: list[tuple[str, str, str, str]] = []
        self.orders: set[str] = set()

    def address(self, url: str) -> str:
        return self.at

    def send(self, method: str, url: str, body: str = "", **others: object) -> Reply:
        self.sent.append((method, url, body, str(others.get("idempotency_key", ""))))
        if method == self.lose:
            raise InDoubt(url, "no whole reply within 2 s")
        if method == "DELETE":
            if self.rolls_back:
                self.orders.clear()
            return self._reply(method, url, 200 if self.removes and self.orders else 404)
        if not self.forget:
            self.orders.add(json.loads(body)["id"])
        return self._reply(method, url, 201)

    def get(self, url: str, seconds: float = 2.0, ca_file: str | None = None) -> Reply:
        found = url.rpartition("/")[2]
        return self._reply("GET", url, 200 if found in self.orders else 404, f'{{"id": "{found}"}}')

    def _reply(self, method: str, url: str, status: int, body: str = "") -> Reply:
        return Reply(method=method, url=url, address=self.at, status=status, body=body)


def hands(shop: FakeShop) -> Hands:
    made = FakeConnections(INVENTORY, {(HttpHands, ""): shop, (HttpReader, ""): shop})
    return Hands(made, FACTS)


def test_a_probe_is_marked_read_back_and_taken_away() -> None:
    shop = FakeShop()
    written = Writes().run(hands(shop))
    assert (written.site, written.address, written.status) == ("west", WEST, 201)
    placed, removed = shop.sent
    assert json.loads(placed[2]) == {
        "id": written.id,
        "item": f"drtool {FACTS.run} {FACTS.step}",
        "probe": True,
    }
    assert placed[3] == f"{FACTS.run}-{FACTS.step}-{written.id}"
    assert removed[:2] == ("DELETE", f"http://orders.lab.test:8080/orders/{written.id}")
    assert written.left_behind == ""
    assert Writes().run(hands(shop)).id != written.id


def test_nothing_is_sent_to_the_wrong_site() -> None:
    shop = FakeShop(address=EAST)
    with pytest.raises(StepFailed, match=f"leads to {EAST}; expected {WEST} \\(west\\)"):
        Writes().run(hands(shop))
    assert not shop.sent


def test_an_order_that_cannot_be_read_back_is_no_write() -> None:
    shop = FakeShop(forget=True)
    with pytest.raises(StepFailed, match=r"answered 404.*expected 200"):
        Writes().run(hands(shop))
    assert [line[0] for line in shop.sent] == ["POST", "DELETE"]


def test_an_order_that_is_gone_before_it_is_taken_away_is_no_write() -> None:
    with pytest.raises(StepFailed, match="was acknowledged and read back, and is gone") as failed:
        Writes().run(hands(FakeShop(rolls_back=True)))
    assert "before their commit" in failed.value.hint


def test_a_shop_that_takes_nothing_away_keeps_the_order_and_passes() -> None:
    shop = FakeShop()
    shop.removes = False
    assert Writes().run(hands(shop)).left_behind == "DELETE answered 404"


def test_a_lost_reply_is_in_doubt_and_cleaned_up() -> None:
    shop = FakeShop(lose="POST")
    with pytest.raises(InDoubt):
        Writes().run(hands(shop))
    assert [line[0] for line in shop.sent] == ["POST", "DELETE"]


def test_a_probe_that_stays_is_said_and_fails_nothing() -> None:
    written = Writes().run(hands(FakeShop(lose="DELETE")))
    assert "no whole reply" in written.left_behind


def test_a_request_carries_run_and_step() -> None:
    shop = FakeShop()
    done = Request(path="/orders", body={"id": "1"}).run(hands(shop))
    assert done.status == 201
    assert shop.sent[0][3] == f"{FACTS.run}-{FACTS.step}"
    with pytest.raises(StepFailed, match="expected 204"):
        Request(path="/orders", body={"id": "1"}, status=(204,)).run(hands(shop))

"""The lab's orders service over two real databases and two real DNS servers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from dns_pair import ADDRESSES, NAME, DnsPair, carry_out, free_port
from postgresql_pair import Pair, wait_until

from drtool.actions.dns import Redirect
from drtool.actions.http import Answers, Writes
from drtool.errors import StepFailed
from drtool.lab.orders import SCHEMA

EAST, WEST = ADDRESSES["east"], ADDRESSES["west"]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def shop(pair: Pair, both: DnsPair, port: int, tmp_path: Path) -> Iterator[httpx.Client]:
    """The service at both sites, as the lab starts it; a client of the one at east."""
    pair.east.sql(SCHEMA)
    password = tmp_path / "orders.password"
    password.write_text(pair.east.password)
    servers = ",".join(f"{address}:{both.port}" for address in ADDRESSES.values())
    children = []
    for site, address in ADDRESSES.items():
        command = [
            *(sys.executable, "-m", "drtool.lab.orders", "--bind", f"{address}:{port}"),
            *("--endpoint", NAME, "--dns", servers, "--database-port", str(pair.east.port)),
            *("--database", "postgres", "--user", "postgres", "--site", site),
            *("--password-file", str(password)),
        ]
        children.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline().startswith("ready orders at")
        with httpx.Client(base_url=f"http://{EAST}:{port}", timeout=5) as client:
            yield client
    finally:
        for child in children:
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()


def order(**others: object) -> dict[str, object]:
    return {"id": str(uuid4()), "item": "a lamp", **others}


def test_an_order_is_there_when_it_is_acknowledged(shop: httpx.Client, pair: Pair) -> None:
    made = order()
    answer = shop.post("/orders", json=made)
    assert answer.status_code == 201
    assert answer.json() == {"id": made["id"], "committed": True, "site": "east", "database": EAST}
    rows = pair.east.sql("select item, site, probe from orders where id = %s", made["id"])
    assert rows == [("a lamp", "east", False)]
    assert shop.post("/orders", json=made).status_code == 201, "sent twice, it is there once"
    assert pair.east.sql("select count(*) from orders") == [(1,)]
    read = shop.get(f"/orders/{made['id']}").json()
    assert (read["item"], read["probe"], read["database"]) == ("a lamp", False, EAST)


def test_only_probes_can_be_deleted_and_only_orders_be_placed(
    shop: httpx.Client, pair: Pair
) -> None:
    real, probe = order(), order(probe=True)
    for made in (real, probe):
        assert shop.post("/orders", json=made).status_code == 201
    assert shop.delete(f"/orders/{real['id']}").status_code == 404
    assert shop.delete(f"/orders/{probe['id']}").status_code == 200
    assert shop.get(f"/orders/{probe['id']}").status_code == 404
    assert pair.east.sql("select probe from orders") == [(False,)]

    for body in (b"", b"[]", b'{"id": "1", "item": "x"}', b'{"item": "x"}'):
        assert shop.post("/orders", content=body).status_code == 400
    assert shop.get("/orders/1").status_code == 400
    assert shop.get("/elsewhere").status_code == 404


def test_it_follows_the_name(shop: httpx.Client, both: DnsPair, pair: Pair, port: int) -> None:
    hands = both.hands(url=f"http://{NAME}:{port}")
    assert shop.get("/health").status_code == 200
    carry_out(Redirect(), hands)
    wait_until(lambda: shop.get("/health").json()["database"] == WEST)
    health = shop.get("/health")
    assert (health.status_code, health.json()["reason"]) == (503, "the database takes no writes")
    refused = shop.post("/orders", json=order())
    assert refused.status_code == 503
    assert "read-only" in refused.json()["reason"]
    with pytest.raises(StepFailed, match="answered 503"):
        Writes().run(hands)
    pair.west.sql("select pg_promote(true)")
    written = Writes().run(hands)
    assert (written.site, written.address, written.left_behind) == ("west", WEST, "")
    assert pair.west.sql("select count(*) from orders") == [(0,)]
    check = Answers(path="/health", lacks=("error",))
    assert check.judge(check.observe(hands), hands.facts) is None


def test_a_hung_database_is_given_up_after_a_second_and_taken_up_again(
    shop: httpx.Client, pair: Pair
) -> None:
    assert shop.get("/health").status_code == 200
    assert pair.east.process is not None
    stopped = [pair.east.process.pid, *pair.east.children()]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(2):
            began = time.monotonic()
            answer = shop.post("/orders", json=order())
            took = time.monotonic() - began
            assert answer.status_code == 503
            assert 0.9 < took < 2.0
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    wait_until(lambda: shop.post("/orders", json=order()).status_code == 201)


def test_a_restarted_database_is_found_again(shop: httpx.Client, pair: Pair) -> None:
    assert shop.post("/orders", json=order()).status_code == 201
    pair.east.stop()
    gone = shop.post("/orders", json=order())
    assert gone.status_code == 503
    assert "refused" in gone.json()["reason"]
    pair.east.start()
    wait_until(lambda: shop.post("/orders", json=order()).status_code == 201)


def test_without_dns_it_says_so(shop: httpx.Client, both: DnsPair) -> None:
    for site in ADDRESSES:
        both.stop(site)
    wait_until(lambda: shop.post("/orders", json=order()).status_code == 503)
    assert NAME in shop.get("/health").json()["reason"]

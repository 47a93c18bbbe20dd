"""Each kind of signal, from here and from a host over SSH: well, out, or it cannot say."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ssh_host import SshHost
from watched_service import Shop

from drtool.clock import SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.connections.sighting import look
from drtool.model.inventory import Inventory
from drtool.model.signals import Signal
from drtool.redact import Redactor
from drtool.safety.outage import Saying


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Place:
    """A machine of the watch, a host that it reaches, and a system at the shop's port."""

    def __init__(self, host: SshHost, shop: Shop) -> None:
        self.shop, self.url = shop, f"http://127.0.0.1:{shop.server.server_port}/"
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            nobody = closed.getsockname()[1]
        self.nowhere = f"http://127.0.0.1:{nobody}/"
        inventory = Inventory.model_validate({
            "version": 1,
            "services": {"orders": {"preferred": "east"}},
            "sites": {"east": {"address": "127.0.0.1", "systems": {
                "pool": {"kind": "pgbouncer", "port": shop.server.server_port, "databases": ["x"]},
                "gone": {"kind": "pgbouncer", "port": nobody, "databases": ["x"]},
                "named": {"kind": "pgbouncer", "address": "no-such-name.invalid",
                          "databases": ["x"]},
            }}},
            "hosts": {"west_db": {"ssh": {
                "address": host.address, "port": host.port, "user": host.user,
                "host_key": host.host_key, "key_file": str(host.key_file),
            }}},
        })  # fmt: skip
        self.connections = Connections(Context(inventory, Secrets(Redactor()), SystemClock()))

    def says(self, **signal: Any) -> tuple[Saying, str]:
        return look(Signal.model_validate(signal), self.connections)


@pytest.fixture
def place(ssh_host: SshHost, shop: Shop) -> Iterator[Place]:
    made = Place(ssh_host, shop)
    yield made
    made.connections.close()


@pytest.mark.parametrize("where", [{}, {"from_host": "west_db"}])
def test_a_page_that_answers_and_one_that_does_not(place: Place, where: dict[str, str]) -> None:
    assert place.says(http=place.url, **where)[0] is Saying.WELL
    place.shop.status = 503
    assert place.says(http=place.url, **where)[0] is Saying.OUT
    assert place.says(http=place.nowhere, **where)[0] is Saying.OUT
    blind = place.says(http="http://no-such-name.invalid/", **where)
    assert blind[0] is Saying.BLIND, blind


@pytest.mark.parametrize("where", [{}, {"from_host": "west_db"}])
def test_a_port_that_takes_connections_and_one_that_does_not(
    place: Place, where: dict[str, str]
) -> None:
    assert place.says(tcp="east.pool", **where)[0] is Saying.WELL
    assert place.says(tcp="east.gone", **where)[0] is Saying.OUT


def test_a_name_without_an_address_says_nothing(place: Place) -> None:
    assert place.says(tcp="east.named")[0] is Saying.BLIND


@pytest.mark.parametrize("where", [{}, {"from_host": "west_db"}])
def test_a_command_says_well_out_or_nothing(place: Place, where: dict[str, str]) -> None:
    assert place.says(command=["true"], **where)[0] is Saying.WELL
    out = place.says(command=["sh", "-c", "echo no answer >&2; exit 1"], **where)
    assert out == (Saying.OUT, "no answer")
    assert place.says(command=["sh", "-c", "exit 3"], **where)[0] is Saying.BLIND
    assert place.says(command=["no-such-program"], **where)[0] is Saying.BLIND
    assert place.says(command=["sleep", "30"], **where)[0] is Saying.BLIND


def test_a_host_that_does_not_answer_is_out_and_sees_nothing(
    place: Place, ssh_host: SshHost
) -> None:
    assert place.says(ssh="west_db") == (Saying.WELL, "answers over SSH")
    ssh_host.stop()
    assert place.says(ssh="west_db")[0] is Saying.OUT
    for signal in ({"command": ["true"]}, {"http": place.url}, {"tcp": "east.pool"}):
        blind = place.says(**signal, from_host="west_db")
        assert blind[0] is Saying.BLIND, blind
        assert blind[1].startswith("cannot say: ")


def test_a_host_that_shows_another_key_is_neither(place: Place, tmp_path: Path) -> None:
    other = place.connections.context.inventory.hosts["west_db"]
    assert other.ssh is not None
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
    wrong = other.model_copy(update={"ssh": other.ssh.model_copy(update={"host_key": key})})
    inventory = place.connections.context.inventory.model_copy(update={"hosts": {"west_db": wrong}})
    strangers = Connections(Context(inventory, Secrets(Redactor()), SystemClock()))
    assert look(Signal(ssh="west_db"), strangers)[0] is Saying.BLIND

"""What a resolver said counts until it has run out, whether it can be asked anew or not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from drtool.clock import SystemClock
from drtool.connections.dns import ResolversReader, resolvers
from drtool.connections.dns.question import Found, ReplyLost, Route
from drtool.connections.reach import Context
from drtool.connections.secrets import Secrets
from drtool.model.inventory import Inventory
from drtool.redact import Redactor

NAME, OLD, NEW = "orders.lab.test", "192.0.2.1", "192.0.2.2"
INVENTORY = Inventory.model_validate(
    {
        "version": 1,
        "services": {"orders": {"endpoint": NAME, "preferred": "east"}},
        "sites": {"east": {"address": OLD}, "west": {"address": NEW}},
        "dns": {
            "zone": "lab.test",
            "key": {"secret": "file:tsig"},
            "servers": {"ns_east": {"site": "east", "address": OLD}},
            "resolvers": {"isp": {"address": "203.0.113.9"}},
        },
    }
)


class Wire:
    """A resolver by a script, and a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now, self.says = 1000.0, Found("NOERROR")
        self.asked: list[int] = []

    def look_up(self, route: Route, name: str, rdtype: str) -> Found:
        del name, rdtype
        self.asked.append(route.times)
        if self.says.code == "silent":
            raise ReplyLost(route.place.subject, "does not answer in time over UDP")
        return self.says


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    made = Wire()
    monkeypatch.setattr(resolvers, "speak", lambda: made)
    monkeypatch.setattr(resolvers, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


@pytest.fixture
def reader(wire: Wire) -> ResolversReader:
    del wire
    return ResolversReader(Context(INVENTORY, Secrets(Redactor()), SystemClock()))


def told(reader: ResolversReader, name: str = NAME) -> str:
    (said,) = reader.answers(name)
    return str(said)


@pytest.mark.parametrize(
    ("code", "why"),
    [("silent", "does not answer in time over UDP"), ("SERVFAIL", "answers SERVFAIL")],
)
def test_its_last_answer_counts_until_it_has_run_out(
    wire: Wire, reader: ResolversReader, code: str, why: str
) -> None:
    wire.says = Found("NOERROR", (OLD,), 40)
    assert told(reader) == f"isp {OLD} (kept for 40s)"
    wire.says, wire.now = Found(code), wire.now + 10.5
    assert told(reader) == f"isp {OLD} (kept for 30s; now: {why})"
    assert told(reader, "other.lab.test") == ("isp " + why).replace(
        "does not answer in time over UDP", "was silent a moment ago"
    )
    wire.now += 29
    assert "kept for 1s" in told(reader)
    wire.now += 1
    assert reader.answers(NAME)[0].trouble


def test_one_that_is_silent_is_asked_on_while_its_answer_is_kept_and_then_left(
    wire: Wire, reader: ResolversReader
) -> None:
    wire.says = Found("NOERROR", (OLD,), 5)
    told(reader)
    wire.says = Found("silent")
    told(reader)
    told(reader)
    assert wire.asked == [2, 2, 1]
    wire.now += 6
    assert told(reader) == "isp was silent a moment ago"
    assert wire.asked == [2, 2, 1]
    wire.now += resolvers.SILENT_SECONDS
    wire.says = Found("NOERROR", (NEW,), 5)
    assert told(reader) == f"isp {NEW} (kept for 5s)"


def test_one_that_is_back_is_believed_at_once(wire: Wire, reader: ResolversReader) -> None:
    wire.says = Found("NOERROR", (OLD,), 40)
    told(reader)
    wire.says = Found("silent")
    told(reader)
    wire.says = Found("NOERROR", (NEW,), 5)
    assert told(reader) == f"isp {NEW} (kept for 5s)"
    wire.says = Found("NXDOMAIN")
    assert told(reader) == "isp (no address)"
    wire.says = Found("silent")
    assert reader.answers(NAME)[0].trouble

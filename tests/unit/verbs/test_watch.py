"""What a watch tells, once, again after a while, and when it is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from engine_bench import plan_of, step
from good_documents import INVENTORY, RUNBOOK, write

from drtool.bootstrap import App
from drtool.catalog import Catalog
from drtool.clock import SystemClock
from drtool.connections.sighting import place_of
from drtool.errors import BadInput, Refused
from drtool.model.event import RunEnded, RunStarted, World
from drtool.model.purpose import Mode, Outcome, Procedure
from drtool.model.signals import Signal
from drtool.redact import Redactor
from drtool.runbook.load import Loaded, load
from drtool.testing import fake_catalog
from drtool.units import Duration
from drtool.verbs.automatic import allowance_of
from drtool.verbs.request import StartRequest
from drtool.verbs.watch.findings import About, Finding, Memory, News, What, news
from drtool.verbs.watch.memory import recalled, remember
from drtool.verbs.watch.telling import card_of, line_of

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
HOUR = Duration(3600)
SIGNALS = '    signals: [{http: "http://orders.test/"}, {heartbeat: west.orders_db}]\n'
ALLOWED = "    automatic: {failover: {runbook: orders.yaml, allowed_by: Ann Example}}\n"


def finding(key: str = "outage orders", scope: str = "service orders") -> Finding:
    return Finding(key=key, scope=scope, about=About.OUTAGE, service="orders", text="orders is OUT",
                   commands=("drtool failover orders.yaml",))  # fmt: skip


LOSS = {"at_most": "unknown", "by": "nobody", "reason": "none"}


def later(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_news_is_told_once_again_after_an_hour_and_when_it_is_over() -> None:
    scope = ("service orders",)
    memory, told = news(Memory(), [finding()], scope, NOW, HOUR)
    assert [one.what for one in told] == [What.BEGUN]
    memory, told = news(memory, [finding()], scope, later(59), HOUR)
    assert told == ()
    memory, told = news(memory, [finding()], scope, later(61), HOUR)
    assert [one.what for one in told] == [What.GOES_ON]
    memory, told = news(memory, [], scope, later(62), HOUR)
    assert [one.what for one in told] == [What.OVER]
    assert memory == Memory()


def test_what_was_not_looked_at_is_not_over() -> None:
    memory, _ = news(Memory(), [finding()], ("service orders",), NOW, HOUR)
    after, told = news(memory, [], ("runs",), later(1), HOUR)
    assert (after, told) == (memory, ())


def test_what_people_know_outlives_the_watch(tmp_path: Path) -> None:
    memory, _ = news(Memory(), [finding()], ("service orders",), NOW, HOUR)
    remember(tmp_path, memory)
    assert recalled(tmp_path) == memory
    assert (tmp_path / "watch.json").stat().st_mode & 0o077 == 0
    (tmp_path / "watch.json").write_text("{")
    assert recalled(tmp_path) == Memory()


def test_a_line_and_a_card_say_what_is_new() -> None:
    begun = News(at=NOW, what=What.BEGUN, finding=finding())
    over = begun.model_copy(update={"what": What.OVER})
    assert (line_of(begun), line_of(over)) == ("orders is OUT", "over; it was: orders is OUT")
    assert card_of(begun).title == "orders: outage"
    assert card_of(over).title == "orders: outage is over"
    assert "drtool failover orders.yaml" in str(card_of(begun).parts)
    assert card_of(over).parts[1:] == ()


@pytest.fixture
def documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write("orders.yaml", RUNBOOK)
    return tmp_path


def loaded(*lines: str) -> Loaded:
    after = "    lease: {at: postgresql}\n"
    write("inventory.yaml", INVENTORY.replace(after, after + "".join(lines)))
    return load(Path("orders.yaml"), None, fake_catalog(), {})


def app(home: Path) -> App:
    return App(home=home, clock=SystemClock(), redactor=Redactor(), catalog=Catalog.load())


def request(**said: object) -> StartRequest:
    given = {"runbook": Path("orders.yaml"), "procedure": Procedure.FAILOVER, "requester": "w"}
    return StartRequest.model_validate({**given, "because": "both say so", **said})


def test_an_automatic_start_bears_who_allowed_it_in_which_file(documents: Path) -> None:
    journal = app(documents / "home").journal()
    given = allowance_of(request(), loaded(SIGNALS, ALLOWED), journal, NOW)
    assert given is not None
    assert (given.by, given.source, len(given.sha256)) == ("Ann Example", "inventory.yaml", 64)
    assert "nobody typed this" in str(given)
    assert allowance_of(request(because=None), loaded(), journal, NOW) is None
    journal.close()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((SIGNALS,), {}),
        ((SIGNALS, ALLOWED), {"mode": Mode.DRILL}),
        ((SIGNALS, ALLOWED), {"procedure": Procedure.SWITCHOVER}),
        ((SIGNALS, ALLOWED.replace("orders.yaml", "other.yaml")), {}),
        ((SIGNALS, ALLOWED), {"statement": "it is off"}),
        ((SIGNALS, ALLOWED), {"take_over": "it must be"}),
        ((SIGNALS, ALLOWED), {"break_glass": "nobody is here"}),
        ((SIGNALS, ALLOWED), {"accepted_loss": LOSS}),
    ],
)
def test_nothing_else_is_allowed(
    documents: Path, lines: tuple[str, ...], said: dict[str, object]
) -> None:
    journal = app(documents / "home").journal()
    with pytest.raises(BadInput, match="allows it for orders"):
        allowance_of(request(**said), loaded(*lines), journal, NOW)
    journal.close()


def test_the_engine_itself_refuses_a_second_one(documents: Path) -> None:
    journal = app(documents / "home").journal()
    inventory = loaded(SIGNALS, ALLOWED)
    allowed = allowance_of(request(), inventory, journal, NOW)
    begun = RunStarted(plan=plan_of(step("one")), mode=Mode.LIVE, requester="w", host="h", pid=1,
                       version="0", engine="direct", automatic=allowed)  # fmt: skip
    ended = RunEnded(outcome=Outcome.FAILED, exit_code=1, world=World.UNTOUCHED)
    journal.append(journal.new_run_id(), begun, ended)
    with pytest.raises(Refused, match="what flaps is for a person to judge"):
        allowance_of(request(), inventory, journal, SystemClock().wall())
    journal.close()


def test_a_signal_looks_from_the_site_of_its_host(documents: Path) -> None:
    inventory = loaded(SIGNALS).inventory
    for said, place in (
        ({"http": "http://x/"}, "here"),
        ({"http": "http://x/", "from_host": "west_db"}, "west"),
        ({"heartbeat": "west.orders_db"}, "west"),
        ({"ssh": "east_db"}, "here"),
    ):
        assert place_of(Signal.model_validate(said), inventory, "here") == place

"""An outage of a service is one thread in Slack, and the next outage another."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from good_documents import INVENTORY, RUNBOOK, write
from slack_standin import CHANNEL, SlackStandIn

from drtool.bootstrap import App
from drtool.catalog import Catalog
from drtool.clock import SystemClock
from drtool.redact import Redactor
from drtool.runbook.load import load
from drtool.testing import fake_catalog
from drtool.verbs.watch.findings import About, Finding, News, What
from drtool.verbs.watch.telling import Telling

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def test_an_outage_is_told_and_that_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slack: SlackStandIn
) -> None:
    monkeypatch.chdir(tmp_path)
    token = {"secret": "env:SLACK_TOKEN"}
    notify = {"notify": {"slack": {"channel": CHANNEL, "token": token, "url": slack.url}}}
    write("inventory.yaml", INVENTORY + yaml.safe_dump(notify))
    write("orders.yaml", RUNBOOK)
    loaded = load(Path("orders.yaml"), None, fake_catalog(), {})
    app = App(home=tmp_path, clock=SystemClock(), redactor=Redactor(), catalog=Catalog.load())
    said: list[str] = []
    finding = Finding(
        key="outage orders", scope="service orders", about=About.OUTAGE, service="orders",
        text="orders is OUT since 03:00:00Z", commands=("drtool failover orders.yaml",),
    )  # fmt: skip
    for _ in range(2):
        telling = Telling(app, {"orders": loaded}, said.append)
        telling.tell(News(at=NOW, what=What.BEGUN, finding=finding))
        telling.tell(News(at=NOW, what=What.OVER, finding=finding))
        telling.close(60)
    assert said == []
    first, second = (one for one in slack.messages if not one.thread)
    assert first.texts[0].startswith(":red_circle: orders is OUT since 03:00:00Z")
    assert "orders: outage is over" in first.texts[-1]
    replies = [one for one in slack.messages if one.thread == first.ts]
    assert [one.text for one in replies] == [":large_blue_circle: orders: outage is over"]
    assert replies[0].shown
    assert second.ts != first.ts

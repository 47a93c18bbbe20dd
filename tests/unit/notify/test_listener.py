"""The engine's end: it returns at once, and says so when nobody is there to tell anybody."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from told_runs import failover_under_way

from drtool.bootstrap import App
from drtool.catalog import Catalog
from drtool.clock import SystemClock
from drtool.model.inventory import Inventory
from drtool.model.notify import Notify
from drtool.model.purpose import Mode
from drtool.notify.brief import Begin, Heard, Over, decoded, encoded
from drtool.notify.listener import Notifier
from drtool.redact import Redactor
from drtool.verbs.notices import listeners

NOTIFY = Notify.model_validate({"webhook": {"url": {"secret": "env:NOBODY_HAS_SET_THIS"}}})


def test_a_process_that_cannot_be_started_is_told_in_the_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    notifier = Notifier(NOTIFY, tmp_path, tmp_path / "r1.json", tmp_path / "log")
    for event in failover_under_way():
        notifier.hear(event)
    (line,) = notifier.account(20)
    assert line.startswith("what people were told is not known: the process that tells them cannot")


def test_an_account_in_no_time_says_that_nothing_is_known(tmp_path: Path) -> None:
    notifier = Notifier(NOTIFY, tmp_path, tmp_path / "r1.json", tmp_path / "log")
    (line,) = notifier.account(0)
    assert line == (
        "what people were told is not known: the process that tells them has not answered"
    )


def test_lines_come_through_as_they_were() -> None:
    begin = Begin(notify=NOTIFY, directory="/here", threads="/there.json")
    (event, *_) = failover_under_way()
    for line in (begin, Heard(event=event), Heard(event=event, known=True), Over()):
        assert encoded(line).count(b"\n") == 1
        assert decoded(encoded(line)) == line
    with pytest.raises(ValueError, match="JSON"):
        decoded(b"heard nothing\n")


@pytest.mark.parametrize(
    ("notify", "mode", "told"),
    [
        (None, Mode.LIVE, False),
        (NOTIFY, Mode.LIVE, True),
        (NOTIFY, Mode.DRILL, True),
        (NOTIFY, Mode.DRY_RUN, False),
        (NOTIFY, Mode.TABLETOP, False),
        (NOTIFY.model_copy(update={"dry_runs": True}), Mode.DRY_RUN, True),
        (NOTIFY.model_copy(update={"dry_runs": True}), Mode.TABLETOP, False),
    ],
)
def test_who_is_told_of_which_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, notify: Notify | None, mode: Mode, told: bool
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    app = App(tmp_path, SystemClock(), Redactor(), Catalog())
    inventory = Inventory(version=1, services={}, sites={}, notify=notify)
    found = listeners(app, inventory, tmp_path, "r1", mode)
    assert [type(one) for one in found] == ([Notifier] if told else [])

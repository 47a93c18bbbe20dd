"""The how-to for auditors, typed line by line in a home that has seen a run."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from effects import EffectServer, Typist, until
from terminal import ROOT, commands, terminal_in

from drtool.process import runs

PAGE = ROOT / "docs" / "how-to" / "verify-a-journal.md"


def test_a_journal_is_verified_as_the_page_says(
    tmp_path: Path, effect_server: EffectServer
) -> None:
    typist = Typist(tmp_path, effect_server, tmp_path / "state")
    run = typist.start()
    typist.consent(run)
    until(lambda: typist.state(run).ended and not runs(typist.state(run).pid))
    typed = list(commands(PAGE.read_text(encoding="utf-8")))
    assert len(typed) >= 4
    with terminal_in(tmp_path) as terminal:
        for one in typed:
            terminal.follow(one)
        with sqlite3.connect(typist.journal) as database:
            database.execute("UPDATE events SET text = replace(text, 'live', 'evil')")
        database.close()
        said = terminal.type(typed[-1])
        assert f"entry 1 (run {run}, event 1) is not what was written" in said
    typist.leave()

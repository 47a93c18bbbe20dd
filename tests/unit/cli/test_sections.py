"""Every command stands in the help, once, where somebody looks for it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from drtool.cli.main import app
from drtool.cli.sections import SECTIONS


def test_every_command_stands_in_one_section_with_its_whole_sentence() -> None:
    named = [name for names in SECTIONS.values() for name in names]
    known = [one.name or one.callback.__name__ for one in app.registered_commands if one.callback]
    known += [str(one.name) for one in app.registered_groups]
    assert sorted(named) == sorted(known)
    shown = " ".join(CliRunner().invoke(app, ["--help"]).output.split())
    assert "because its primary has died." in shown
    assert "..." not in shown.partition("Move a service")[2]


@pytest.mark.parametrize("group", ["journal", "lab", "notify", "server"])
def test_a_group_of_commands_says_each_ones_whole_sentence(group: str) -> None:
    shown = CliRunner().invoke(app, [group, "--help"]).output
    assert "..." not in shown.partition("Commands:")[2]

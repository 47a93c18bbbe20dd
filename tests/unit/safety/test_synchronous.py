"""Whom commits wait for, read as PostgreSQL reads it."""

from __future__ import annotations

import pytest

from drtool.safety.synchronous import finds_standbys


@pytest.mark.parametrize(
    ("names", "standbys", "found"),
    [
        ("east", ["east"], True),
        ("East", ["eAST"], True),
        ("east", ["west"], False),
        ("east", [], False),
        ("*", ["anybody"], True),
        ("*", [], False),
        ("south, east", ["east"], True),
        ("2 (east, south)", ["east"], False),
        ("2 (east, south)", ["south", "east", "north"], True),
        ("first 1 (east, south)", ["south"], True),
        ("ANY 2 (*)", ["a", "b"], True),
        ("ANY 2 (*)", ["a"], False),
        ("ANY 2(east)", ["east", "east"], True),
        ('FIRST 1 ("the ""east""", south)', ['the "east"'], True),
        ('"first"', ["first"], True),
    ],
)
def test_whether_commits_would_find_their_standbys(
    names: str, standbys: list[str], *, found: bool
) -> None:
    assert finds_standbys(names, standbys) is found

from __future__ import annotations

from typing import Any, Literal

import pytest

from drtool.model.purpose import Mode
from drtool.units import Duration
from drtool.verbs.type_words import type_in_words


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (str, "text"),
        (int | None, "whole number"),
        (tuple[Literal["ssh", "power"], ...] | None, "list of ssh or power"),
        (dict[str, bool], "mapping of true or false"),
        (Duration, "duration"),
        (Mode, "live or drill or dry-run or tabletop"),
        (Any, "any"),
    ],
)
def test_a_type_is_told_as_one_would_say_it(annotation: Any, words: str) -> None:
    assert type_in_words(annotation) == words

"""The pages of promises and faults name tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bad_input_catalogue import BAD_INPUT
from fault_catalogue import FAULTS, chosen, ids_of
from promise_catalogue import PROMISES

TESTS = Path(__file__).parents[1]
NAMED = {test for promise in PROMISES for test in promise.tests} | {
    test for items in BAD_INPUT.values() for tests in items.values() for test in tests
}


@pytest.mark.parametrize("test", sorted(NAMED))
def test_what_a_page_names_is_there(test: str) -> None:
    place, _, row = test.partition("[")
    path, _, name = place.partition("::")
    text = (TESTS / path).read_text(encoding="utf-8")
    assert f"\ndef {name}(" in text
    assert not row or f'"{row.removesuffix("]")}"' in text


def test_there_are_sixteen_promises_and_eighty_four_faults() -> None:
    assert len(PROMISES) == 16
    assert list(FAULTS) == [f"F{n:02}" for n in range(1, 65)] + [f"L{n:02}" for n in range(1, 21)]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("F26", ["F26"]),
        ("f01-f03,l20", ["F01", "F02", "F03", "L20"]),
        ("L02 F01", ["F01", "L02"]),
        ("lies", [f"L{n:02}" for n in range(1, 21)]),
        ("all", list(FAULTS)),
    ],
)
def test_faults_are_chosen_by_words(words: str, ids: list[str]) -> None:
    assert list(chosen(words)) == ids


def test_a_word_that_names_no_fault_is_told() -> None:
    with pytest.raises(ValueError, match="no fault is called F65"):
        chosen("F65")


@pytest.mark.parametrize(
    ("test", "ids"),
    [
        ("test_f02_f03_an_engine", ("F02", "F03")),
        ("tests/faults/test_x.py::test_f27_l03_a_busy_backend", ("F27", "L03")),
        ("test_a_healthy_primary", ()),
        ("test_f_x", ()),
    ],
)
def test_a_test_bears_its_ids_in_its_name(test: str, ids: tuple[str, ...]) -> None:
    assert ids_of(test) == ids


def test_every_id_that_a_test_bears_is_in_the_catalogue() -> None:
    borne: set[str] = set()
    for path in (TESTS / "faults").glob("test_*.py"):
        for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            borne.update(ids_of(name))
    assert borne <= set(FAULTS)

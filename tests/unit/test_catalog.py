from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest

from drtool.action import Check, Entry
from drtool.catalog import ENGINE_KEYS, GROUP, Catalog, is_one_way, kind_of, nearest
from drtool.errors import BadInput
from drtool.model.purpose import Purpose, StepKind
from drtool.testing import (
    FakeAction,
    FakeCheck,
    FakeCommand,
    FakeNotice,
    FakePrepare,
    FakeSeen,
    fake_catalog,
)


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=GROUP)


def test_names_are_sorted_and_nothing_is_imported_for_them() -> None:
    catalog = Catalog({"b.b": point("b.b", "no.such:Thing"), "a.a": FakeCheck})
    assert catalog.names() == ["a.a", "b.b"]


def test_a_class_is_imported_when_it_is_asked_for() -> None:
    catalog = Catalog({"fake.check": point("fake.check", "drtool.testing:FakeCheck")})
    assert catalog.get("fake.check") is FakeCheck
    assert catalog.get("fake.check") is FakeCheck


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "postgresql.promot",
            (
                "unknown action postgresql.promot: nothing installed has that name\n"
                "  hint: did you mean postgresql.promote?"
            ),
        ),
        (
            "teapot.boil",
            (
                "unknown action teapot.boil: nothing installed has that name\n"
                "  hint: drtool actions lists them all"
            ),
        ),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(name: str, text: str) -> None:
    with pytest.raises(BadInput) as wrong:
        fake_catalog().get(name)
    assert wrong.value.text() == text


def test_the_extra_that_would_bring_it_is_told() -> None:
    with pytest.raises(BadInput) as wrong:
        Catalog().get("dns.redirect")
    assert wrong.value.hint == "pip install 'drtool[dns]'"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no.such.module:X", "cannot be imported: No module named 'no'"),
        ("drtool.testing:NoSuch", "its entry point is broken"),
        ("drtool.testing:FakeSeen", "is not a class that keeps the contract of drtool.action"),
        ("drtool.testing:START", "is not a class that keeps the contract of drtool.action"),
    ],
)
def test_a_broken_entry_point_is_one_line(value: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        Catalog({"x.y": point("x.y", value)}).get("x.y")


@pytest.mark.parametrize("key", sorted(ENGINE_KEYS - {"purpose", "every"}))
def test_a_field_with_the_name_of_an_engine_key_is_refused(key: str) -> None:
    made = type(
        "Colliding", (FakeCheck,), {"__annotations__": {key: str}, key: "", "__module__": __name__}
    )
    with pytest.raises(BadInput) as wrong:
        Catalog().register("x.y", made)
    assert wrong.value.line() == (
        f"action x.y: its field {key} bears the name of a key of the engine"
    )


def test_an_entry_without_a_purpose_is_refused() -> None:
    class Aimless(Check[FakeSeen]):
        """Looks for no reason."""

    with pytest.raises(BadInput, match="declares no purpose"):
        Catalog().register("x.y", Aimless)


@pytest.mark.parametrize(
    ("entry", "kind", "one_way"),
    [
        (FakeAction, StepKind.ACTION, True),
        (FakePrepare, StepKind.ACTION, False),
        (FakeCommand, StepKind.COMMAND, True),
        (FakeCheck, StepKind.CHECK, False),
        (FakeNotice, StepKind.NOTICE, False),
    ],
)
def test_kinds(entry: type[Entry], kind: StepKind, one_way: bool) -> None:
    assert (kind_of(entry), is_one_way(entry)) == (kind, one_way)


def test_of_names_equally_near_the_one_that_begins_alike_is_meant() -> None:
    assert nearest("esat", ["west", "east"]) == "east"
    assert nearest("qqqq", ["west", "east"]) is None


def test_every_installed_action_keeps_its_promise_to_the_catalog() -> None:
    catalog = Catalog.load()
    for name in catalog.names():
        entry = catalog.get(name)
        assert isinstance(entry.purpose, Purpose), name
        assert entry.__doc__, name


class _Odd(FakeCheck):
    """A check with something odd."""

    odd: ClassVar[str] = "yes"


def test_a_class_can_be_registered() -> None:
    catalog = fake_catalog()
    catalog.register("odd.check", _Odd)
    assert catalog.get("odd.check") is _Odd

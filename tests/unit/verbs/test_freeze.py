"""Who may freeze and thaw a service, and what is written of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from good_documents import INVENTORY
from signed_people import People

from drtool.connections.ssh_signer import Signer
from drtool.errors import BadInput, DrtoolError, Refused
from drtool.lease.freeze import Flag
from drtool.model.event import PARTLY_READ
from drtool.model.people import Right
from drtool.verbs import freeze as verbs


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path, rehearser=(Right.REHEARSE,))


@pytest.fixture
def inventory(tmp_path: Path, people: People, monkeypatch: pytest.MonkeyPatch) -> Path:
    known = {
        name: {"keys": [key], "may": [right.value for right in people.rights[name]]}
        for name, key in people.keys.items()
    }
    file = tmp_path / "inventory.yaml"
    file.write_text(
        INVENTORY.replace("oncall-primary", "first").replace("oncall-secondary", "second")
        + f"people: {json.dumps(known)}\n"
    )
    monkeypatch.setenv("DRTOOL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(verbs, "_written", kept)
    return file


def kept(service: str, inventory: object, path: Path, new: str) -> tuple[Flag, ...]:
    return (Flag(where=f"a place: {new}"),)


@pytest.mark.parametrize("name", ["operator", "first"])
def test_who_may_operate_or_approve_may_freeze_by_name(
    people: People, inventory: Path, name: str
) -> None:
    signer = Signer(people.file(name))
    made = verbs.freeze("orders", inventory, "audit", None, signer)
    assert made.freeze is not None
    assert made.freeze.by == name
    (flag,) = verbs.thaw("orders", inventory, "done", signer).flags
    assert name in flag.where


def test_others_are_refused_before_anything_is_written(
    people: People, inventory: Path, tmp_path: Path
) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    stranger = People(elsewhere, nobody=())
    found: dict[str, DrtoolError] = {}
    for name, file in {"right": people.file("rehearser"), "key": stranger.file("nobody")}.items():
        with pytest.raises(DrtoolError) as raised:
            verbs.thaw("orders", inventory, "done", Signer(file))
        found[name] = raised.value
    assert isinstance(found["right"], Refused)
    assert "rehearser may rehearse, not operate or approve" in found["right"].line()
    assert isinstance(found["key"], BadInput)
    assert "is not in the inventory" in found["key"].line()


def test_a_secret_of_the_inventory_is_masked_in_the_flag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "_written", kept)
    monkeypatch.setenv("DRTOOL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BMC", "canary-4711")
    path = tmp_path / "inventory.yaml"
    path.write_text(INVENTORY)
    told = verbs.freeze("orders", path, "it is canary-4711", None)
    thawed = verbs.thaw("orders", path, "it was canary-4711")
    assert told.freeze is not None
    assert told.freeze.reason == "it is [secret]"
    assert "canary" not in "".join(flag.where for flag in (*told.flags, *thawed.flags))


@pytest.mark.parametrize(
    ("flags", "about", "text"),
    [
        ((Flag(where="a"), Flag(where="b")), None, ""),
        (
            (Flag(where="a"), Flag(where="b", trouble="b: silent")),
            PARTLY_READ,
            "nobody froze it at a; no answer: b: silent",
        ),
        (
            (Flag(where="b", trouble="b: silent"),),
            "freeze",
            "whether it is frozen is not known: b: silent",
        ),
    ],
    ids=["all answer", "one is silent", "none answers"],
)
def test_a_place_that_is_silent_is_told_of_as_loudly_as_it_matters(
    flags: tuple[Flag, ...], about: str | None, text: str
) -> None:
    assert [(one.about, one.text) for one in verbs.unread(flags)] == (
        [(about, text)] if about else []
    )

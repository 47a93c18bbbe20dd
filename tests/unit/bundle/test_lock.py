from __future__ import annotations

import sys

import pytest
from packaging.requirements import Requirement

from drtool.bundle.lock import needed, read_lock
from drtool.errors import BadInput
from drtool.shipped import shipped

LOCK = """\
alpha==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:ab
    # via -r wanted.in
beta-one==2.0 ; python_full_version < "3" \\
    --hash=sha256:bb
    # via
    #   alpha
    #   gamma
gamma==3.0 \\
    --hash=sha256:cc
    # via -r wanted.in
delta==4.0 \\
    --hash=sha256:dd
    # via beta-one
"""


def test_a_package_comes_with_what_it_needs() -> None:
    pins = needed(read_lock(LOCK), ["Alpha"])
    assert [pin.name for pin in pins] == ["alpha", "beta-one", "delta"]


def test_a_pin_keeps_its_version_its_hashes_and_where_it_is_wanted() -> None:
    pins = read_lock(LOCK)
    assert pins["alpha"].version == "1.0"
    assert pins["alpha"].text.endswith("--hash=sha256:aa \\\n    --hash=sha256:ab")
    assert pins["alpha"].wanted_here
    assert not pins["beta-one"].wanted_here


def test_another_micro_version_of_this_python_may_want_more() -> None:
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    lock = f'alpha==1.0 ; python_full_version < "{minor}.3" \\\n    --hash=sha256:aa\n'
    pin = read_lock(lock)["alpha"]
    assert pin.wanted_here
    assert pin.unconditional == "alpha==1.0 \\\n    --hash=sha256:aa"
    assert "python_full_version" in pin.text


def test_what_the_lock_does_not_have_is_named() -> None:
    with pytest.raises(BadInput, match=r"requirements.lock: has no omega, psi"):
        needed(read_lock(LOCK), ["psi", "alpha", "omega"])


def test_the_lock_that_is_shipped_names_no_place_to_download_from() -> None:
    text = shipped("requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text


def test_every_pin_that_is_shipped_has_hashes_and_somebody_who_needs_it() -> None:
    pins = read_lock(shipped("requirements.lock").read_text(encoding="utf-8"))
    assert len(pins) > 50
    assert all("--hash=sha256:" in pin.text and pin.needed_by for pin in pins.values())
    assert all(Requirement(pin.text.partition("\\")[0]) for pin in pins.values())
    assert "-r" not in {name for pin in pins.values() for name in pin.needed_by}

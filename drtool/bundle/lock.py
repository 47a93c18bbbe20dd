"""The lock: each package with its version and its hashes, and who needs it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from drtool.errors import BadInput

_NEEDED_BY = re.compile(r"^ +#(?: via)? +([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True)
class Pin:
    """One package of the lock; ``text`` is its entry there, with its hashes.

    ``unconditional`` is the same without its marker. ``wanted_here`` says whether some Python of
    this platform and minor version may want it: what is gathered with 3.11.7 must do for 3.11.2.
    """

    name: str
    version: str
    text: str
    unconditional: str
    needed_by: frozenset[str]
    wanted_here: bool


def read_lock(text: str) -> dict[str, Pin]:
    """The pins of a lock as pip-compile writes it, by name."""
    entries: list[list[str]] = []
    for line in text.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            entries.append([])
        if entries:
            entries[-1].append(line)
    pins = [_pin(entry) for entry in entries]
    return {pin.name: pin for pin in pins}


def _pin(lines: list[str]) -> Pin:
    requirement = Requirement(lines[0].removesuffix("\\"))
    found = (_NEEDED_BY.match(line) for line in lines)
    (version,) = requirement.specifier
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    condition, _, hashes = text.partition("\\")
    return Pin(
        name=canonicalize_name(requirement.name),
        version=version.version,
        text=text,
        unconditional=f"{condition.partition(';')[0].rstrip()} \\{hashes}",
        needed_by=frozenset(canonicalize_name(one[1]) for one in found if one),
        wanted_here=requirement.marker is None or _wanted_here(requirement.marker),
    )


def _wanted_here(marker: Marker) -> bool:
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return any(marker.evaluate({"python_full_version": f"{minor}.{n}"}) for n in (0, 99))


def needed(pins: dict[str, Pin], roots: Iterable[str]) -> list[Pin]:
    """The pins of some packages and of all that they need, by name.

    Raises BadInput when one of them is not in the lock.
    """
    chosen: set[str] = {canonicalize_name(root) for root in roots}
    missing = sorted(chosen - pins.keys())
    if missing:
        raise BadInput("requirements.lock", f"has no {', '.join(missing)}")
    more = chosen
    while more:
        more = {n for n, pin in pins.items() if n not in chosen and pin.needed_by & chosen}
        chosen |= more
    return [pins[name] for name in sorted(chosen)]

"""Python, the packages that drtool needs, and the extras that the inventory's systems need."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from drtool.model.inventory import Inventory
from drtool.verbs.doctor.finding import Area, Finding

_AREA = Area.MACHINE


@dataclass(frozen=True)
class Installed:
    """What is here: Python's version, drtool's, and those of all that it may need.

    ``requirements`` and ``python_wanted`` are drtool's own; ``versions`` has None for a package
    that is missing.
    """

    python: str
    python_wanted: str
    drtool: str
    requirements: Sequence[Requirement]
    versions: Mapping[str, str | None]

    @classmethod
    def here(cls) -> Installed:
        """What is installed beside this process."""
        about = metadata.metadata("drtool")
        wanted = [Requirement(line) for line in metadata.requires("drtool") or ()]
        return cls(
            python=platform.python_version(),
            python_wanted=about["Requires-Python"] or "",
            drtool=about["Version"],
            requirements=wanted,
            versions={one.name: _version(one.name) for one in wanted},
        )


def needed_extras(inventory: Inventory) -> frozenset[str]:
    """The extras that bring what the inventory's systems are reached with."""
    found: set[str] = set()
    if any(site.systems for site in inventory.sites.values()):
        found.add("postgresql")
    if inventory.notify is not None and inventory.notify.slack is not None:
        found.add("slack")
    if inventory.dns is not None:
        found.add("dns")
    if any(host.ssh for host in inventory.hosts.values()) or inventory.proves_identity:
        found.add("ssh")
    leases = (one.lease for one in inventory.services.values())
    if any("dynamodb" in {lease.at, lease.flag_at} for lease in leases):
        found.add("aws")
    return frozenset(found)


def findings(installed: Installed, extras: frozenset[str]) -> Iterator[Finding]:
    """What is missing or of a wrong version, or one line that says what is there."""
    faults = [*_python(installed), *_packages(installed), *_extras(installed, extras)]
    yield from faults
    if not faults:
        base = sum(one.marker is None for one in installed.requirements)
        with_extras = f" and the extras {', '.join(sorted(extras))}" if extras else ""
        yield _AREA.well(
            f"drtool {installed.drtool}",
            f"Python {installed.python}, its {base} packages{with_extras} within their bounds",
        )


def _python(installed: Installed) -> Iterator[Finding]:
    if not SpecifierSet(installed.python_wanted).contains(installed.python, prereleases=True):
        yield _AREA.problem(
            "Python",
            installed.python,
            "install drtool with a newer Python: python3.12 -m venv .venv",
            installed.python_wanted,
        )


def _packages(installed: Installed) -> Iterator[Finding]:
    for wanted in installed.requirements:
        version = installed.versions.get(wanted.name)
        extra = wanted.marker is not None
        if wanted.name == "drtool" or (extra and version is None):
            continue
        if version is None or not wanted.specifier.contains(version, prereleases=True):
            yield _AREA.problem(
                f"package {wanted.name}",
                version or "is not installed",
                f"pip install '{wanted.name}{wanted.specifier}'",
                str(wanted.specifier),
            )


def _extras(installed: Installed, extras: frozenset[str]) -> Iterator[Finding]:
    for extra in sorted(extras):
        missing = [
            one.name
            for one in installed.requirements
            if one.marker is not None
            and not one.marker.evaluate({"extra": ""})
            and one.marker.evaluate({"extra": extra})
            and installed.versions.get(one.name) is None
        ]
        if missing:
            yield _AREA.problem(
                f"extra {extra}",
                f"{', '.join(missing)}: not installed, and the inventory needs it",
                f"pip install 'drtool[{extra}]'",
            )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

"""Gather the wheels that drtool and some of its extras need on this platform."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from drtool.bundle.lock import Pin
from drtool.bundle.own_wheel import OwnWheel
from drtool.bundle.pip import pip
from drtool.errors import BadInput, Faults


def requirements(
    own: OwnWheel, extras: frozenset[str], pins: Iterable[str], source: str = ""
) -> str:
    """What is to be installed, drtool among it, each with its version and its hashes.

    ``source`` is where drtool's wheel itself is taken from; else one of its version is looked for.
    """
    name = f"drtool[{','.join(sorted(extras))}]" if extras else "drtool"
    digest = hashlib.sha256(own.path.read_bytes()).hexdigest()
    which = f" @ {source}" if source else f"=={own.version}"
    lines = [f"{name}{which} \\", f"    --hash=sha256:{digest}"]
    return "\n".join([*lines, *pins]) + "\n"


def gather(
    own: OwnWheel, extras: frozenset[str], pins: list[Pin], stock: Path | None, into: Path
) -> None:
    """Put drtool's wheel and those of the pins into a directory.

    They are downloaded, or taken from ``stock``, a directory of wheels. pip checks the hashes,
    and that nothing is needed besides. Raises Faults or BadInput when one cannot be had.
    """
    wanted = [pin for pin in pins if pin.wanted_here]
    listed = own.path.parent / "requirements.txt"
    # by its place: the stock may hold another wheel of the same version
    source = own.path.as_uri()
    required = requirements(own, extras, (pin.unconditional for pin in wanted), source)
    listed.write_text(required, encoding="utf-8")
    words = ["--require-hashes", "--only-binary", ":all:", "--requirement", str(listed)]
    words += ["--dest", str(into)]
    hint = "--wheels DIR takes them from a directory, without a network"
    if stock is not None:
        _all_there(wanted, stock)
        words += ["--no-index", "--find-links", str(stock)]
        hint = f"without --wheels {stock} they are downloaded"
    pip("download", *words, hint=hint)


def _all_there(pins: list[Pin], stock: Path) -> None:
    if not stock.is_dir():
        raise BadInput(f"--wheels {stock}", "is no directory")
    there = {found for path in stock.glob("*.whl") if (found := _named(path.name))}
    missing = [
        f"--wheels {stock}: has no wheel of {pin.name} {pin.version}"
        for pin in pins
        if (pin.name, Version(pin.version)) not in there
    ]
    if missing:
        raise Faults((*missing, f"  hint: without --wheels {stock} they are downloaded"))


def _named(filename: str) -> tuple[str, Version] | None:
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return None
    return name, version

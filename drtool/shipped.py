"""What travels with drtool: inside the package when installed, beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from drtool.errors import DrtoolError

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parent


def shipped(name: str) -> Path:
    """The path of ``runbooks``, ``flows``, ``docs`` or ``requirements.lock``.

    Raises DrtoolError when it is not there.
    """
    places = [PACKAGE / name]
    if (CHECKOUT / "pyproject.toml").exists():
        places += [CHECKOUT / name, CHECKOUT / ".ci" / name]
    for place in places:
        if place.exists():
            return place
    raise DrtoolError(name, f"is not in {PACKAGE}", hint="install drtool again")

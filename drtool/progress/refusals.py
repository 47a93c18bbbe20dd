"""What a dry-run says of a step that its guard refuses before the steps ahead of it have run."""

from __future__ import annotations

from collections.abc import Sequence

from drtool.model.change import Change

_REFUSED = "; before the steps ahead of it have run it would be refused: "


def would_change(refusal: str | None) -> str:
    """What a step would do, with the guard's reason that the steps ahead of it may cure."""
    return "would change" if refusal is None else f"would change{_REFUSED}{refusal}"


def is_refused_so_far(said: str) -> bool:
    """Whether a guard speaks against the step as things stand."""
    return _REFUSED in said


def with_changes(said: str, changes: Sequence[Change]) -> str:
    """The same with the changes behind what the step would do, before what speaks against it."""
    what, mark, refusal = said.partition(_REFUSED)
    shown = "; ".join(map(str, changes))
    return ": ".join(part for part in (what, shown) if part) + mark + refusal

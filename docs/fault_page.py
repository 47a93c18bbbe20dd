"""The page of all faults and lies, from the catalogue that the tests go by."""

from __future__ import annotations

import sys
from pathlib import Path

from tables import table

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from fault_catalogue import FAULTS, Fault

ABOUT = """\
# Faults and lies

What drtool has been tried against. `make faults` injects each of these into real servers:
PostgreSQL, knot or BIND, sshd, Prefect. Every test first sees that its injection took effect, and
only then judges. `make faults FAULTS="F26-F29 L03"` runs some; the results are written to
`.faults.json`.

What all of this is for stands in
[what drtool promises](../explanation/promises.md).
"""
SAME = """\
A run that is lied to may end in many ways. Of every lie the same is expected: {expected}.
"""


def fault_page() -> str:
    """One table for each part of the catalogue."""
    parts = [ABOUT]
    for part in dict.fromkeys(one.part for one in FAULTS.values()):
        parts += [f"## {part}\n", _table([one for one in FAULTS.values() if one.part == part])]
    return "\n".join(parts)


def _table(rows: list[Fault]) -> str:
    """What all of a part have in common is said once."""
    if len({one.expected for one in rows}) == 1:
        told = table(("lie", "what drtool is told"), ((one.id, one.injected) for one in rows))
        return f"{SAME.format(expected=rows[0].expected)}\n{told}"
    cells = ((one.id, one.injected, one.expected) for one in rows)
    return table(("fault", "what is injected", "what is expected"), cells)

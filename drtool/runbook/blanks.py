"""Places that a document leaves to fill in."""

from __future__ import annotations

from drtool.runbook.marks import FaultList, Node, Scalar, walk

BLANK = "FILL_IN"


def note_blanks(root: Node, faults: FaultList) -> None:
    """Note every value that is still to be filled in, with what belongs there."""
    for path, node in walk(root):
        text = node.value if isinstance(node, Scalar) else None
        if isinstance(text, str) and text.startswith(BLANK):
            what = text.removeprefix(BLANK).strip()
            faults.spoil(node.mark, f"{path} is still to be filled in", what)

"""One difference that an action wants to make."""

from __future__ import annotations

from drtool.model.value import Value


class Change(Value):
    """A subject, what is there before, and what shall be there after."""

    subject: str
    before: str
    after: str

    def __str__(self) -> str:
        """The change on one line."""
        return f"{self.subject}: {self.before} -> {self.after}"

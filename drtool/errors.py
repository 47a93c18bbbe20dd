"""The error tree: each error names its subject, what is, what should be, and what to type."""

from __future__ import annotations

from typing import Self


class DrtoolError(Exception):
    """Raised when drtool cannot go on; every error that a user can see derives from it.

    ``subject`` is the thing spoken of ("dns server ns_west"), ``found`` what is, ``expected``
    what should be, ``hint`` something that a person can type or do now.
    """

    exit_code = 1

    def __init__(self, subject: str, found: str, expected: str = "", hint: str = "") -> None:
        self.subject, self.found, self.expected, self.hint = subject, found, expected, hint
        super().__init__(self.line())

    def line(self) -> str:
        """The error as one line, without its hint."""
        text = f"{self.subject}: {self.found}"
        return f"{text}; expected {self.expected}" if self.expected else text

    def text(self) -> str:
        """The error as a person on call reads it: one line, and the hint below it."""
        return f"{self.line()}\n  hint: {self.hint}" if self.hint else self.line()


class Reason(str):
    """A guard's reason to refuse, where it also knows what a person can type."""

    __slots__ = ("hint",)
    hint: str

    def __new__(cls, text: str, hint: str) -> Self:
        """The sentence, with its hint beside it."""
        made = super().__new__(cls, text)
        made.hint = hint
        return made


def hint_of(reason: str | None) -> str:
    """What a person can type about a guard's reason; "" where the guard does not know."""
    return reason.hint if isinstance(reason, Reason) else ""


class StepFailed(DrtoolError):
    """Raised when an action, a check or a command did not reach what it promised."""


class Unreachable(DrtoolError):
    """Raised when a target does not answer in time; for a fence that is data, not a failure."""


class AccessDenied(DrtoolError):
    """Raised when a target answers and turns us away: wrong key, password, right or certificate.

    Before a run it is bad input: the inventory or a secret is wrong, and nothing was started.
    """

    exit_code = 2


class BadInput(DrtoolError):
    """Raised when a document, an argument or a request is wrong; nothing was started."""

    exit_code = 2


class MissingExtra(BadInput):
    """Raised when a library that an optional extra brings is not installed."""

    def __init__(self, technology: str, extra: str) -> None:
        super().__init__(
            technology,
            f"the Python packages of the extra {extra!r} are not installed",
            hint=f"pip install 'drtool[{extra}]'",
        )


class Refused(DrtoolError):
    """Raised when a guard refuses, with its reason; nothing was changed by the step refused."""

    exit_code = 3


class LeaseHeld(Refused):
    """Raised when somebody else holds the lease of the service, or ours was lost."""


class Aborted(DrtoolError):
    """Raised when a person ended the run."""

    exit_code = 4


class InDoubt(DrtoolError):
    """Raised when it cannot be known whether an effect took place."""

    exit_code = 5


class JournalUnusable(DrtoolError):
    """Raised when the journal cannot be read or written, or does not match its anchor."""

    exit_code = 7


class Interrupted(DrtoolError):
    """Raised when the process was told to leave; the run can be resumed."""

    exit_code = 8


class Faults(BadInput):
    """Raised with all the faults of a document at once, each with its place."""

    def __init__(self, lines: tuple[str, ...]) -> None:
        self.lines = lines
        count = f"{len(lines)} fault" + ("s" if len(lines) != 1 else "")
        super().__init__("input", count)

    def text(self) -> str:
        """All faults, one below the other."""
        return "\n".join(self.lines)

"""The host's own check of a command: the highest fencing token that it has seen is kept there.

A command of a holder whose right has passed to another, one that arrives late, is refused by the
host before it starts, whatever its sender believes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from drtool.connections.ssh_transport import Ran
from drtool.errors import LeaseHeld

_SCRIPT = Path(__file__).with_name("token_guard.sh")
_REFUSED, _MARK = 253, "drtool-token-refused "

Marks = Callable[[], tuple[tuple[str, str], ...]]


class TokenGuard:
    """What is put before each command of a run: its service, its arbiters and its tokens there.

    ``still`` is asked before that; it raises LeaseHeld where the lease was lost. Whoever builds
    the engine sets it.
    """

    def __init__(self, service: str, marks: Marks) -> None:
        self._service, self._marks = service, marks
        self.still: Callable[[], None] = lambda: None
        self._script = _SCRIPT.read_text(encoding="utf-8")

    def argv(self, state_directory: str, command: list[str]) -> list[str]:
        """The command behind the guard; itself where no token is held. Raises LeaseHeld."""
        self.still()
        marks = self._marks()
        if not marks:
            return command
        words = [word for mark in marks for word in mark]
        where = f"{state_directory}/tokens/{self._service}"
        head = ["sh", "-c", self._script, "drtool-guard", where, str(len(marks))]
        return [*head, *words, *command]

    def judge(self, subject: str, ran: Ran) -> Ran:
        """How the command ended; raises LeaseHeld when the host refused it."""
        if ran.code != _REFUSED or not ran.err.startswith(_MARK):
            return ran
        where, _, token = ran.err.removeprefix(_MARK).splitlines()[0].rpartition(" ")
        raise LeaseHeld(
            f"lease of {self._service}",
            f"{subject} refuses our token: it has seen a later one, {token}",
            "the highest token of all that have acted there",
            "see who acts on the service now: drtool runs, on their machine; only if the arbiter's "
            f"own clock or data was set back: rm -r {where} on that host",
        )

"""The trace that a command leaves on its host: seen later, believed only if it is its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drtool.connections.ssh import SshReader

_SCRIPT = Path(__file__).with_name("ssh_run.sh")
# What the script gives when it could not leave the start of a command, which it then did not start.
NOT_STARTED = 254
# What `timeout` gives when it had to end the command (coreutils).
TIMED_OUT = 124


@dataclass(frozen=True)
class Left:
    """What a try left: its number, its processes, and how it ended; None where it has not."""

    attempt: int
    processes: list[int]
    code: int | None


@dataclass(frozen=True)
class Trace:
    """Where a command of one run and step leaves its start and its exit, attempt by attempt.

    Run, step and attempt stand in the files' names and again in what they hold, so that a file
    left by another run is never taken for this one's.
    """

    state_directory: str
    run: str
    step: str

    @property
    def directory(self) -> str:
        """The directory on the host."""
        return f"{self.state_directory}/{self.run}.{self.step}"

    def argv(self, attempt: int, seconds: float, command: tuple[str, ...]) -> list[str]:
        """What runs the command and leaves the trace."""
        limit = f"{max(1.0, seconds):.0f}"
        text = _SCRIPT.read_text(encoding="utf-8")
        mark = self._mark(attempt)
        return ["sh", "-c", text, "drtool-run", self.directory, mark, str(attempt), limit, *command]

    def newest(self, reader: SshReader) -> Left | None:
        """The newest try of this very run and step that was begun on the host."""
        names = reader.list_directory(self.directory)
        for attempt in self.attempts(names, "start"):
            text = reader.read_file(f"{self.directory}/start.{attempt}")
            if processes := self.processes_of(attempt, text):
                ended = f"exit.{attempt}" in names
                text = reader.read_file(f"{self.directory}/exit.{attempt}") if ended else None
                return Left(attempt, processes, self.exit_of(attempt, text))
        return None

    def attempts(self, names: tuple[str, ...], kind: str) -> list[int]:
        """Which attempts left a file of that kind, the newest first."""
        numbers = [name.partition(".")[2] for name in names if name.startswith(f"{kind}.")]
        return sorted((int(number) for number in numbers if number.isdigit()), reverse=True)

    def exit_of(self, attempt: int, text: str | None) -> int | None:
        """The exit code that the exit file tells; None when it is not this attempt's own."""
        words = self._words(attempt, text)
        return int(words[0]) if words and words[0].isdigit() else None

    def processes_of(self, attempt: int, text: str | None) -> list[int]:
        """The process ids that the start file tells: the shell that waits, then the command.

        Empty when it is not this attempt's own.
        """
        return [int(word) for word in self._words(attempt, text) if word.isdigit()]

    def _words(self, attempt: int, text: str | None) -> list[str]:
        """What stands after the mark of this attempt."""
        mark = f"{self._mark(attempt)} "
        return text.removeprefix(mark).split() if text and text.startswith(mark) else []

    def _mark(self, attempt: int) -> str:
        return f"{self.run}/{self.step} {attempt}"

"""The trace that a command leaves on its host: seen later, believed only if it is its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_SCRIPT = Path(__file__).with_name("ssh_run.sh")
# What `timeout` gives when it had to end the command (coreutils).
TIMED_OUT = 124


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

    def attempts(self, names: tuple[str, ...], kind: str) -> list[int]:
        """Which attempts left a file of that kind, the newest first."""
        numbers = [name.partition(".")[2] for name in names if name.startswith(f"{kind}.")]
        return sorted((int(number) for number in numbers if number.isdigit()), reverse=True)

    def exit_of(self, attempt: int, text: str | None) -> int | None:
        """The exit code that the exit file tells; None when it is not this attempt's own."""
        return self._number(attempt, text)

    def process_of(self, attempt: int, text: str | None) -> int | None:
        """The process id that the start file tells; None when it is not this attempt's own."""
        return self._number(attempt, text)

    def _number(self, attempt: int, text: str | None) -> int | None:
        """What stands right after the mark of this attempt."""
        mark = f"{self._mark(attempt)} "
        words = text.removeprefix(mark).split() if text and text.startswith(mark) else []
        return int(words[0]) if words and words[0].isdigit() else None

    def _mark(self, attempt: int) -> str:
        return f"{self.run}/{self.step} {attempt}"

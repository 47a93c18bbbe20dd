"""A file in the state directory of a host as a cell; the host's own clock is its time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from drtool.connections.cell import Kept
from drtool.connections.reach import Context
from drtool.connections.ssh import transport_to
from drtool.connections.ssh_transport import Ran, SshTransport
from drtool.errors import BadInput, StepFailed

_SCRIPT = Path(__file__).with_name("ssh_cell.sh")
_SECONDS = 5.0
_ANOTHER = 11


class SshCell:
    """A text that is exchanged by making a hard link, which only one can make."""

    def __init__(self, host: str, name: str, directory: str, transport: SshTransport) -> None:
        self._host, self._name, self._directory = host, name, directory
        self._transport = transport

    @classmethod
    def open(cls, host: str, name: str, context: Context) -> Self:
        """The text ``name`` at the inventory's host; raises as connecting does."""
        transport = transport_to(host, context)
        found = context.inventory.hosts[host].ssh
        if found is None:
            raise BadInput(f"host {host}", "the inventory does not say how to reach it over SSH")
        transport.connect()
        return cls(host, name, f"{found.state_directory}/leases", transport)

    @property
    def where(self) -> str:
        """The host."""
        return f"file {self._host}"

    def read(self) -> Kept:
        """What the file says, and which exchange it is of."""
        return self._read()[0]

    def exchange(self, old: Kept, new: str) -> bool:
        """Make the next file; False when somebody else has."""
        ran = self._run("exchange", str(old.serial), new)
        if ran.code == _ANOTHER:
            return False
        if ran.code != 0:
            raise StepFailed(
                self._transport.subject,
                f"cannot write in {self._directory}: {ran.said()}",
                "a directory that its user can write, on a file system with hard links",
            )
        return True

    def now(self) -> datetime:
        """The host's own time, in whole seconds."""
        return self._read()[1]

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def _read(self) -> tuple[Kept, datetime]:
        ran = self._run("read")
        head, _, text = ran.out.partition("\n")
        words = head.split()
        if ran.code != 0 or len(words) != 2 or not all(word.isdigit() for word in words):
            raise StepFailed(
                self._transport.subject, f"{self._directory}/{self._name}: {ran.said()}"
            )
        serial, text = int(words[1]), text.rstrip("\n")
        kept = Kept(values=(text,) if serial else (), serial=serial)
        return kept, datetime.fromtimestamp(int(words[0]), UTC)

    def _run(self, verb: str, *words: str) -> Ran:
        script = _SCRIPT.read_text(encoding="utf-8")
        argv = ["sh", "-c", script, "drtool-cell", verb, self._directory, self._name, *words]
        return self._transport.run(argv, _SECONDS, what=f"the {verb} of {self._name}")

"""Build everything once, and pass it on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from drtool.catalog import Catalog
from drtool.clock import Clock, SystemClock
from drtool.connections.reach import Connections, Context
from drtool.connections.secrets import Secrets
from drtool.journal.home import home, journal_path, reports_dir, secure_directory
from drtool.journal.store import Journal
from drtool.journal.verify import Checked
from drtool.model.inventory import Inventory
from drtool.model.secret import secrets_in
from drtool.redact import Redactor


@dataclass(frozen=True)
class App:
    """What every verb may need; ``checked`` is how far its journal was found to be whole."""

    home: Path
    clock: Clock
    redactor: Redactor
    catalog: Catalog
    checked: Checked = field(default_factory=Checked)

    def journal(self) -> Journal:
        """The journal, made if need be; raises JournalUnusable."""
        path = journal_path(secure_directory(self.home))
        return Journal.open(path, self.clock, self.redactor, checked=self.checked)

    def records(self) -> Journal:
        """The journal, to read; raises JournalUnusable when there is none."""
        return Journal.open(
            journal_path(self.home),
            self.clock,
            self.redactor,
            create=False,
            read_only=True,
            checked=self.checked,
        )

    def connections(self, inventory: Inventory, directory: Path, run: str) -> Connections:
        """Connections for one run; secret files are relative to the inventory's directory."""
        secrets = Secrets(self.redactor, directory)
        secrets.expect(secrets_in(inventory))
        return Connections(Context(inventory, secrets, self.clock, run=run))

    @property
    def reports(self) -> Path:
        """Where reports are written."""
        return reports_dir(self.home)

    @property
    def logs(self) -> Path:
        """Where the engines' processes write what they print."""
        return self.home / "logs"


def build() -> App:
    """Everything, for this process."""
    return App(home=home(), clock=SystemClock(), redactor=Redactor(), catalog=Catalog.load())

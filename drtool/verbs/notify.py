"""Try the ways by which people are told of runs, before there is a run to tell of."""

from __future__ import annotations

from pathlib import Path

from drtool.bootstrap import build
from drtool.connections.secrets import Secrets
from drtool.errors import BadInput
from drtool.model.value import Value
from drtool.notify.trial import Tried, trials
from drtool.runbook.inventory import read_inventory
from drtool.runbook.marks import FaultList


class Trial(Value):
    """How every way did."""

    ways: tuple[Tried, ...]

    @property
    def exit_code(self) -> int:
        """0 when a message arrived by every way."""
        return 0 if all(way.arrived for way in self.ways) else 1


def trial(path: Path) -> Trial:
    """Send a message through every way of an inventory.

    Raises Faults for a faulty inventory, BadInput for one that tells nobody.
    """
    app, faults = build(), FaultList()
    inventory = read_inventory(path, faults)
    faults.raise_any()
    if inventory is None or inventory.notify is None:
        raise BadInput(
            str(path),
            "does not say whom to tell of runs",
            hint='notify: {slack: {channel: C0123ABCD, token: {secret: "env:SLACK_TOKEN"}}}',
        )
    secrets = Secrets(app.redactor, path.parent.resolve())
    tried = trials(inventory.notify, secrets, path.name, app.clock.wall())
    return Trial(ways=tuple(tried))

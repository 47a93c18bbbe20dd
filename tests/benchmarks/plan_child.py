"""A process that lints and plans one runbook with the installed actions, and leaves."""

from __future__ import annotations

import sys
from pathlib import Path

from drtool.catalog import Catalog
from drtool.model.purpose import Procedure
from drtool.runbook.load import load
from drtool.runbook.planning import ObservedRoles, plan

if __name__ == "__main__":
    catalog = Catalog.load()
    loaded = load(Path(sys.argv[1]), None, catalog, {})
    roles = ObservedRoles(standbys=("west",), unreachable=("east",))
    made = plan(loaded, Procedure.FAILOVER, roles, catalog=catalog)
    print(len(made.steps), made.digest)

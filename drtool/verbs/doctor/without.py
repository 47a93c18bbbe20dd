"""What would be lost with a site, judged by what is written and by this machine; no connection."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from drtool.bootstrap import App, build
from drtool.compiler.api import Api
from drtool.compiler.server import embedded
from drtool.errors import BadInput, DrtoolError
from drtool.model.purpose import Procedure
from drtool.model.stability import Here, Kind, Lost, Need, Without
from drtool.model.value import Value
from drtool.runbook.load import load
from drtool.runbook.lost_sites import without
from drtool.verbs.request import parameters

_FILES = {Kind.SECRET, Kind.KEY}


class Stability(Value):
    """Each unplanned procedure without the site.

    ``absent`` are files that are named and are not on this machine now.
    """

    about: str
    procedures: tuple[Without, ...]
    absent: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 when a needed thing would be lost, whether or not the runbook accepts it."""
        return 1 if any(one.fatal for one in self.procedures) else 0


def examine_without(
    runbook: Path | None, inventory: Path | None, site: str, said: tuple[str, ...]
) -> Stability:
    """Judge a runbook against the loss of a site.

    Raises Faults, and BadInput for a site that is not there, or no runbook.
    """
    if runbook is None:
        raise BadInput(
            f"--without {site}",
            "there is no runbook",
            "one",
            f"drtool doctor RUNBOOK --without {site}",
        )
    app = build()
    loaded = load(runbook, inventory, app.catalog, parameters(said))
    if site not in loaded.inventory.sites:
        raise BadInput(f"--without {site}", "no such site", ", ".join(loaded.inventory.sites))
    found = without(loaded, site, app.catalog, here(app))
    if not found:
        there = " or ".join(one.value for one in Procedure if one.unplanned)
        raise BadInput(str(runbook), "has no procedure for a site that is lost", there)
    needs = [need for one in found for need in one.needs]
    absent = dict.fromkeys(filter(None, (_absent(need, loaded.directory) for need in needs)))
    return Stability(about=str(runbook), procedures=found, absent=tuple(absent))


def here(app: App) -> Here:
    """This machine: its name, drtool's directory, the Prefect API, whom it asks for names."""
    return Here(
        machine=socket.gethostname(),
        home=str(app.home),
        prefect=_prefect(app.home),
        resolvers=resolvers(_resolv_conf()),
    )


def resolvers(text: str) -> tuple[str, ...]:
    """The servers of a resolv.conf(5)."""
    lines = (line.split() for line in text.splitlines())
    return tuple(words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1)


def _resolv_conf() -> str:
    try:
        return Path("/etc/resolv.conf").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _prefect(home: Path) -> str:
    try:
        found = Api.from_environment(os.environ) or embedded(home)
    except DrtoolError:
        return ""
    return found.shown if found else ""


def _absent(need: Need, directory: Path) -> str:
    """A secret's file or a key file that is not on this machine."""
    name = need.what.removeprefix("secret file:")
    local = need.kind is Kind.KEY or name != need.what
    if need.kind not in _FILES or not local or need.lost is Lost.YES or " " in name:
        return ""
    return "" if (directory / Path(name).expanduser()).exists() else name

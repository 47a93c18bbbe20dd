"""Wait until a site's servers listen, and tell the last words of one that does not."""

from __future__ import annotations

import socket
import time

from drtool.errors import DrtoolError
from drtool.lab.ask import ask
from drtool.lab.layout import ADDRESSES, Address, Layout, SitePaths

READY_SECONDS = 20.0
_POLL = 0.02
_LAST_WORDS = 3


def wait_for_services(layout: Layout, site: str) -> None:
    """Wait until SSH, DNS, orders and power controller of a site take connections.

    Raises DrtoolError when one of them has ended, or does not listen within 20 s.
    """
    ports = layout.identity().ports
    for name, port in (("ssh", ports.ssh), ("orders", ports.orders), ("power", ports.power)):
        _wait(layout.site(site), name, (ADDRESSES[site], port))
    _wait(layout.site(site), "dns", layout.identity().dns[site])


def wait_for_postgresql(layout: Layout, site: str) -> None:
    """Wait until the site's PostgreSQL server listens; raises DrtoolError as above."""
    port = layout.identity().ports.postgresql
    _wait(layout.site(site), "postgresql", (ADDRESSES[site], port))


def takes_connections(address: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((address, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def _wait(paths: SitePaths, name: str, address: Address) -> None:
    until = time.monotonic() + READY_SECONDS
    while not takes_connections(*address):
        code = _exit_code(paths, name)
        if code is not None or time.monotonic() > until:
            late = f"does not listen at {address[0]}:{address[1]} after {READY_SECONDS:g} s"
            trouble = late if code is None else f"ended with code {code}"
            raise DrtoolError(f"{name} of {paths.root.name}", f"{trouble}: {_said(paths, name)}")
        time.sleep(_POLL)


def _exit_code(paths: SitePaths, name: str) -> int | None:
    """How a site's server has ended; None if it has not, or nobody there can tell."""
    try:
        exits = ask(str(paths.root), "state").get("exits")
    except OSError:
        return None
    return exits.get(name) if isinstance(exits, dict) else None


def _said(paths: SitePaths, name: str) -> str:
    """The last words in a server's log, which may go with the lab."""
    try:
        log = (paths.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "it has not said a word"
    return " / ".join(log.splitlines()[-_LAST_WORDS:]) or "it has not said a word"

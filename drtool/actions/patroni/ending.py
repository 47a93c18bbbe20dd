"""End a member of a cluster on its host: Patroni first, else it would start the server again."""

from __future__ import annotations

from drtool.action import Hands
from drtool.actions.patroni.sides import PATRONI, cluster_of
from drtool.actions.postgresql.fence import Fence as HostFence
from drtool.actions.postgresql.sides import place_of
from drtool.connections.postgresql_host import PostgresqlHostReader
from drtool.connections.ssh import SshHands
from drtool.errors import DrtoolError, Refused


def end_on_host(hands: Hands, fence: HostFence, seconds: float) -> str:
    """End Patroni and then the server, or cut the power; what is missing then, or "".

    Without the means to end Patroni the server is let be over SSH, and loses its power.
    """
    paths, trouble = fence.paths or (), ""
    if "ssh" in paths:
        trouble = _stop_patroni(hands, seconds / (1 + len(paths)))
    if trouble:
        paths = tuple(path for path in paths if path != "ssh")
        trouble = f"{place_of(hands.facts)}: ssh: {trouble}"
    if not paths:
        return trouble or f"{place_of(hands.facts)}: no path leads to its host"
    try:
        fence.model_copy(update={"paths": paths}).apply(hands, [])
    except Refused:
        raise
    except DrtoolError as error:
        return "; ".join(filter(None, (trouble, error.line())))
    return ""


def _stop_patroni(hands: Hands, seconds: float) -> str:
    """End Patroni on the host, if it runs there; what is missing then, or ""."""
    place = place_of(hands.facts)
    command = cluster_of(hands.facts, place).stop_command
    try:
        host = hands.reach(PostgresqlHostReader, str(place))
        if host.state().manager != PATRONI:
            return ""
        if not command:
            return "Patroni runs there, and the inventory has no stop_command"
        ran = hands.reach(SshHands, host.system.host).run(list(command), seconds)
        if host.state().manager == PATRONI:
            return f"Patroni still runs after stop_command (code {ran.code}): {ran.said()}"
    except DrtoolError as error:
        return error.line()
    return ""

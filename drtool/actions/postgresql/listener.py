"""Whether the old primary runs on elsewhere when nothing of its data directory can write."""

from __future__ import annotations

from drtool.action import Look
from drtool.actions.postgresql.evidence import ask
from drtool.actions.postgresql.fence_paths import PathSeen, what_listens
from drtool.actions.postgresql.sides import place_of, system_at


def reason_elsewhere(look: Look, identity: str | None, *, running: bool) -> str:
    """A sentence when the server itself answers at its port, though its directory is at rest.

    The data directory in the inventory may be a copy, and the server run from another one. A
    primary of the same cluster at the port is that server; what takes connections and says
    nothing may be it, frozen, and what turns us away may be it, too, unless a server of that
    directory is ``running`` there. Whoever else answers, another cluster, a standby or a proxy
    with nothing behind it, is not.
    """
    listening = what_listens(look.facts)
    if not listening:
        return ""
    place = place_of(look.facts)
    heard = ask(look, place)
    seen = heard.primary
    if seen is not None and seen.system_identifier == identity:
        found = f"a primary of this very cluster, from {seen.data_directory or 'elsewhere'}"
    elif heard.silent and not running:
        found = "something that says nothing, as a frozen server does"
    elif heard.turned_away and not running:
        found = f"a server that does not let us look ({heard.trouble})"
    else:
        return ""
    data = system_at(look.facts, place).data_directory
    return f"nothing of {data} can write, yet {listening}: {found}; is data_directory right?"


def held_against_its_port(look: Look, path: PathSeen) -> PathSeen:
    """What SSH shows of the data directory, held against who answers at the server's port."""
    if not path.fenced:
        return path
    trouble = reason_elsewhere(look, path.identity, running=path.running)
    if not trouble:
        return path
    return path.model_copy(
        update={"fenced": False, "alive": True, "durable": False, "trouble": trouble}
    )

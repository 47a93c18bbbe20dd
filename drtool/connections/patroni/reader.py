"""What Patroni says of a cluster."""

from __future__ import annotations

import json
import re
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from drtool.connections.patroni.answers import read_listed, read_node, read_settings
from drtool.connections.reach import Context, Reader
from drtool.connections.tls import disbelief, trust
from drtool.connections.within import within
from drtool.errors import AccessDenied, BadInput, DrtoolError, InDoubt, StepFailed, Unreachable
from drtool.model.inventory import Patroni, PatroniMember
from drtool.model.patroni import Cluster, Node

# A member whose DCS is lost answers some questions only after its retry_timeout, or not at all.
SECONDS = 2.0
# How much longer a whole request may take than the socket's limit for each part of it.
_GRACE = 0.5


class PatroniReader(Reader):
    """Reads of one cluster, asked of all its members side by side."""

    def __init__(self, target: str, system: Patroni, context: Context, client: Any) -> None:
        self.target, self.system, self.context, self._client = target, system, context, client
        self.subject = f"patroni {target}"

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Ready to ask the cluster ``site.system``; nothing is asked yet.

        Raises BadInput when the inventory has no such cluster, or its authority's file is wrong.
        """
        import httpx  # noqa: PLC0415 - takes 0.15 s that only those pay who need it

        system = context.inventory.system(target)
        if not isinstance(system, Patroni):
            raise BadInput(f"patroni {target}", "the inventory has no Patroni cluster there")
        rest = system.rest
        secret = context.secrets.resolve(rest.password) if rest.password else None
        client = httpx.Client(
            auth=(rest.user, secret) if secret is not None else None,
            verify=_trust(system, context),
            # a reply that drips is left behind, and must not keep others from being asked for
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
            trust_env=False,
            follow_redirects=False,
        )
        return cls(target, system, context, client)

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def nodes(self) -> tuple[Node, ...]:
        """The members by their own word; what does not answer is data."""
        members = self.system.members
        with ThreadPoolExecutor(len(members), thread_name_prefix="patroni") as pool:
            return tuple(pool.map(self._node, members, members.values()))

    def cluster(self) -> Cluster:
        """The members, and what their DCS holds by the word of the leader, or else of another."""
        nodes = self.nodes()
        seen = Cluster(place=self.target, at=self.context.clock.wall(), nodes=nodes)
        answering, trouble = answering_first(nodes), "no member answers"
        with ThreadPoolExecutor(len(nodes), thread_name_prefix="patroni") as pool:
            asked = [pool.submit(self._with_dcs, seen, node) for node in answering]
        for node, one in zip(answering, asked, strict=True):
            try:
                return one.result()
            except DrtoolError as error:
                trouble = f"its DCS cannot be read through {node.name}: {error.found}"
        return seen.model_copy(update={"dcs_trouble": trouble})

    def _with_dcs(self, seen: Cluster, node: Node) -> Cluster:
        """The cluster with what its DCS holds, asked of one member."""
        url = self.system.members[node.name].url
        listed = _told(self.subject, self._ask("GET", url, "/cluster"))
        config = _told(self.subject, self._ask("GET", url, "/config"))
        rows = {row.called: row for row in read_listed(listed)}
        nodes = tuple(
            one.model_copy(update={"listed": rows.pop(one.called, None)}) for one in seen.nodes
        )
        found = {"nodes": nodes, "strangers": tuple(rows), "settings": read_settings(config)}
        return seen.model_copy(update=found)

    def _node(self, name: str, member: PatroniMember) -> Node:
        try:
            response = self._ask("GET", member.url, "/patroni")
            told = _told(self.subject, response)
        except DrtoolError as error:
            return Node(name=name, called=member.name or name, trouble=error.found)
        return read_node(name, member, self.system, told, response.headers.get("Date", ""))

    def _ask(
        self, method: str, url: str, path: str, body: object = None, seconds: float | None = None
    ) -> Any:
        """One request to one member; raises InDoubt when a change was sent and no reply came."""
        import httpx  # noqa: PLC0415 - imported already by `open`

        limit = seconds or min(SECONDS, self.context.connect_seconds)
        sent = {"timeout": limit, **({"json": body} if body else {})}
        try:
            response = within(
                limit + _GRACE,  # one that drips never meets a limit of the socket's
                lambda: self._client.request(method, f"{url.rstrip('/')}{path}", **sent),
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise self._not_connected(url, error) from error
        except (httpx.TransportError, TimeoutError) as error:
            late = isinstance(error, httpx.TimeoutException | TimeoutError)
            why = "not in time" if late else str(error) or type(error).__name__
            kind = Unreachable if method == "GET" else InDoubt
            raise kind(self.subject, f"{url} gave no reply to {method} {path}: {why}") from error
        if response.status_code in {401, 403}:
            raise AccessDenied(
                self.subject,
                f"{url} turns us away ({response.status_code}): {response.text.strip()}",
                hint=f"check rest.user {self.system.rest.user} and what rest.password refers to",
            )
        return response

    def _not_connected(self, url: str, error: Exception) -> DrtoolError:
        if disbelieved := disbelief(error):
            return AccessDenied(
                self.subject,
                f"the certificate of {url} is not believed: {disbelieved}",
                hint="name its authority in rest.ca_file",
            )
        why = re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or "no answer in time"
        return Unreachable(self.subject, f"{url} does not answer: {why}")


def answering_first(nodes: tuple[Node, ...]) -> list[Node]:
    """The members that answer, whichever leads first."""
    return sorted((one for one in nodes if one.answers), key=lambda one: not one.leads)


def leader_of(target: str, context: Context) -> str:
    """The member that leads a cluster, as ``site.system.member``; a primary before all others.

    Raises Unreachable when none says that it leads.
    """
    reader = PatroniReader.open(target, context)
    try:
        nodes = reader.nodes()
        leading = [node.name for node in nodes if node.leads and node.running]
        if len(leading) > 1:
            named = reader.cluster().leader
            leading = [named.name] if named else []
    finally:
        reader.close()
    if leading:
        return f"{target}.{leading[0]}"
    raise Unreachable(
        f"patroni {target}", f"no member leads: {'; '.join(map(str, nodes))}", "a leader"
    )


def _told(subject: str, response: Any) -> dict[str, Any]:
    """The JSON object that was answered."""
    if response.status_code != 200:
        raise StepFailed(subject, f"{response.url} answers {response.status_code}")
    try:
        told = response.json()
    except json.JSONDecodeError as error:
        raise StepFailed(subject, f"{response.url} does not answer in JSON") from error
    if not isinstance(told, dict):
        raise StepFailed(subject, f"{response.url} does not answer as Patroni does")
    return told


def _trust(system: Patroni, context: Context) -> ssl.SSLContext | bool:
    """Whose certificates to believe; a file is relative to the inventory's directory."""
    if not any(member.url.startswith("https") for member in system.members.values()):
        return False
    path = context.secrets.path(system.rest.ca_file) if system.rest.ca_file else None
    return trust(path, "rest.ca_file")

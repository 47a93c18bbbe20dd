"""All the authoritative servers of the inventory's zone, asked and updated side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

from drtool.connections.dns.server import Answer, DnsHands, DnsReader, dns_of
from drtool.connections.reach import Context, Reader, Writer
from drtool.errors import AccessDenied, DrtoolError, StepFailed, Unreachable
from drtool.model.value import Name, Value
from drtool.units import Duration

S = TypeVar("S")
T = TypeVar("T")


class ServerSays(Value):
    """What one server says of a name; ``trouble`` is why it says nothing.

    ``alias`` is the name that it sends its askers to, in an address's place. What it says without
    ``authority`` may mislead those who ask it, and agrees with nothing.
    """

    server: Name
    site: Name
    values: tuple[str, ...] = ()
    ttl: Duration | None = None
    alias: str = ""
    authority: bool = True
    trouble: str = ""

    @property
    def answers(self) -> bool:
        """Whether it could be asked."""
        return not self.trouble

    def __str__(self) -> str:
        """The server and what it says, as people read it."""
        alias = f"alias of {self.alias}" if self.alias else ""
        told = self.trouble or ", ".join(self.values) or alias or "(no address)"
        return f"{self.server} {told}{'' if self.authority else ' (without authority)'}"


class Move(Value):
    """One server's change: the values that it has, and those that it shall have."""

    server: Name
    old: Answer
    values: tuple[str, ...]
    ttl: Duration


class ZoneReader(Reader):
    """Reads of all the zone's servers; one that does not answer is said, not raised."""

    def __init__(self, context: Context) -> None:
        dns = dns_of(context)
        self.zone, self.min_servers, self.ttl = dns.zone.rstrip("."), dns.min_servers, dns.ttl
        self._servers: dict[str, DnsReader] = {
            name: DnsReader(name, context) for name in dns.servers
        }
        self._threads = ThreadPoolExecutor(
            2 * len(self._servers) or 1, thread_name_prefix="dns servers"
        )

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """The zone of the inventory; ``target`` is empty. Raises BadInput when it has none."""
        del target
        reader = cls(context)
        reader.answers(reader.zone, "SOA")
        return reader

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False)

    def answers(self, name: str, rdtype: str = "A") -> tuple[ServerSays, ...]:
        """What each server says, in the inventory's order."""

        def say(server: DnsReader) -> ServerSays:
            try:
                found = server.says(name, rdtype)
            except (Unreachable, AccessDenied, StepFailed) as error:
                return ServerSays(server=server.server, site=server.site, trouble=error.found)
            return ServerSays(
                server=server.server,
                site=server.site,
                values=found.values,
                ttl=found.ttl,
                alias=found.alias,
                authority=found.authority,
            )

        return tuple(self._side_by_side(say, list(self._servers.values())))

    def address(self, name: str) -> str:
        """The one address that all servers which answer agree on.

        Raises Unreachable when none with authority answers, StepFailed when they differ or there
        is none.
        """
        says = self.answers(name)
        answering = [said for said in says if said.answers]
        told = "; ".join(str(said) for said in says)
        if not any(said.authority for said in answering):
            raise Unreachable(f"name {name}", f"no server of zone {self.zone} answers: {told}")
        found = {said.values for said in answering}
        if len(found) > 1:
            raise StepFailed(f"name {name}", f"the servers differ: {told}", "one address")
        values = found.pop()
        if not values:
            raise StepFailed(f"name {name}", f"has no address: {told}", "one address")
        return values[0]

    def check_keys(self) -> None:
        """Raise AccessDenied if a server that answers does not take our key; BadInput for ours."""
        servers = list(self._servers.values())
        # what does not answer is named by `answers`
        self._all(DnsReader.check_key, servers, overlooked=(Unreachable, StepFailed))

    def _all(
        self,
        call: Callable[[S], None],
        items: Sequence[S],
        overlooked: tuple[type[DrtoolError], ...],
    ) -> None:
        """Call with each, side by side; only then raise the first error that is not overlooked."""

        def tried(item: S) -> DrtoolError | None:
            try:
                call(item)
            except overlooked:
                return None
            except DrtoolError as error:
                return error
            return None

        for error in self._side_by_side(tried, items):
            if error is not None:
                raise error

    def _side_by_side(self, call: Callable[[S], T], items: Sequence[S]) -> list[T]:
        if len(items) < 2:
            return [call(item) for item in items]
        return list(self._threads.map(call, items))


class ZoneHands(ZoneReader, Writer):
    """Updates of all the zone's servers, each guarded by the values that it has itself."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._hands = {name: DnsHands(name, context) for name in self._servers}
        self._servers.update(self._hands)

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """As for a reader; our key must be one. Raises BadInput.

        A server that does not take it is no reason to leave the others as they are: DnsHands
        tells of each by itself.
        """
        hands = super().open(target, context)
        hands.check_own_key()
        return hands

    def check_own_key(self) -> None:
        """Raise BadInput when our key cannot be resolved, or is none; asks no server."""
        for server in self._hands.values():
            server.check_own_key()

    def replace(self, moves: Sequence[Move]) -> None:
        """Make the moves side by side; all are tried before the first error is raised.

        A server that cannot be reached raises nothing: asking again will name it.
        """

        def make(move: Move) -> None:
            self._hands[move.server].replace(move.old, move.values, move.ttl)

        self._all(make, moves, overlooked=(Unreachable,))

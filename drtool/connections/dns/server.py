"""One authoritative DNS server of the inventory: typed reads, compare-and-swap updates."""

from __future__ import annotations

import time
from typing import Self

from drtool.connections.dns.question import (
    Found,
    Place,
    Replacement,
    ReplyLost,
    Route,
    Transport,
    TsigKey,
    speak,
)
from drtool.connections.reach import Context, Reader, Writer
from drtool.errors import AccessDenied, BadInput, Refused, StepFailed, Unreachable
from drtool.model.inventory import Dns
from drtool.model.value import Value
from drtool.units import Duration

UDP_SECONDS = 0.3
TCP_SECONDS = 0.7
UPDATE_SECONDS = 1.0
# A server that was silent a moment ago is asked only briefly until this much later.
SILENT_SECONDS = 15.0
BRIEF_SECONDS = 0.25
TURNED_AWAY = frozenset({"REFUSED", "NOTAUTH"})
PREREQUISITE_FAILED = frozenset({"NXRRSET", "YXRRSET", "NXDOMAIN", "YXDOMAIN"})


class Answer(Value):
    """What a server answers for a name and a type; no values when there are none.

    ``values`` stand in presentation format (``127.0.2.1``, ``"text"`` with its quotes), sorted.
    ``alias`` is the name that it sends its askers to instead; ``authority`` whether it claims to
    speak for the zone.
    """

    name: str
    rdtype: str = "A"
    values: tuple[str, ...] = ()
    ttl: Duration | None = None
    alias: str = ""
    authority: bool = True

    def __str__(self) -> str:
        """The values as people read them."""
        return ", ".join(self.values) or "(none)"


def dns_of(context: Context) -> Dns:
    """The inventory's zone and servers; raises BadInput when it has none."""
    found = context.inventory.dns
    if found is None:
        raise BadInput(
            "dns", "the inventory names no zone and no servers", hint="write dns: in the inventory"
        )
    return found


class DnsReader(Reader):
    """Reads of one server, asked directly; safe to use from several threads."""

    def __init__(self, server: str, context: Context) -> None:
        self._wire, self._dns, self._context = speak(), dns_of(context), context
        found = self._dns.servers.get(server)
        if found is None:
            known = ", ".join(sorted(self._dns.servers))
            raise BadInput(f"dns server {server}", "the inventory has no such server", known)
        self.server, self.site = server, found.site
        self.subject = f"dns server {server} ({found.address}:{found.port})"
        self._place = Place(self.subject, found.address, found.port)
        self._silent_since: float | None = None
        self._key_accepted = False

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """A server of the inventory, by name; asks it for the zone's SOA record.

        Raises Unreachable, AccessDenied, or StepFailed when it does not serve the zone.
        """
        reader = cls(target, context)
        reader.answer(reader.zone, "SOA")
        return reader

    @property
    def zone(self) -> str:
        """The zone's name, without the final dot."""
        return self._dns.zone.rstrip(".")

    def answer(self, name: str, rdtype: str = "A") -> Answer:
        """What the server answers, with authority, for a name.

        Raises as ``says`` does, and StepFailed for an alias or without authority.
        """
        found = self.says(name, rdtype)
        if not found.authority:
            raise self._no_authority(name)
        if found.alias:
            raise StepFailed(self.subject, f"{name} is an alias of {found.alias}", rdtype)
        return found

    def says(self, name: str, rdtype: str = "A") -> Answer:
        """What the server tells whoever asks: an alias misleads them as an address does.

        So does a value without authority: resolvers that stand before such a server, forwarders
        above all, pass it on. Only a server that has neither authority nor anything to say, as one
        that does not know the zone, leads nobody anywhere.

        Raises Unreachable when it is silent or its port closed, AccessDenied when it refuses to
        answer, StepFailed when it fails (SERVFAIL), or has no authority and nothing to say.
        """
        found = self._ask(name, rdtype)
        if found.code in TURNED_AWAY:
            raise AccessDenied(self.subject, f"does not answer for {name} ({found.code})")
        if found.code not in {"NOERROR", "NXDOMAIN"}:
            raise StepFailed(self.subject, f"answers {found.code} for {name}")
        if not (found.authoritative or found.values or found.alias):
            raise self._no_authority(name)
        return Answer(
            name=name,
            rdtype=rdtype,
            values=found.values,
            ttl=None if found.ttl is None else Duration(float(found.ttl)),
            alias=found.alias,
            authority=found.authoritative,
        )

    def check_key(self) -> None:
        """Ask a signed question; raises AccessDenied when the server does not take our key."""
        if not self._key_accepted:
            found = self._ask(self.zone, "SOA", self._key())
            if found.code in TURNED_AWAY:
                raise self._denied(found.code)
            self._key_accepted = True

    def check_own_key(self) -> None:
        """Raise BadInput when our key cannot be resolved, or is none; asks no server."""
        _ = self._key().decoded

    def server_time(self) -> int | None:
        """Seconds since the epoch by which the server signs; None where it tells none.

        Raises AccessDenied when it does not take our key, Unreachable.
        """
        found = self._ask(self.zone, "SOA", self._key())
        if found.code in TURNED_AWAY:
            raise self._denied(found.code)
        return found.signed_at

    def _key(self) -> TsigKey:
        secret = self._context.secrets.resolve(self._dns.key)
        return TsigKey(self._dns.key_name, secret, self._dns.algorithm)

    def _route(self, transport: Transport, seconds: float) -> Route:
        return Route(self._place, transport, seconds)

    def _no_authority(self, name: str) -> StepFailed:
        return StepFailed(self.subject, f"has no authority for {name}")

    def _denied(self, code: str) -> AccessDenied:
        return AccessDenied(
            self.subject,
            f"does not let the TSIG key {self._dns.key_name} change zone {self.zone} ({code})",
            hint="allow the key in the server's update policy",
        )

    def _ask(self, name: str, rdtype: str, key: TsigKey | None = None) -> Found:
        """Over UDP, then over TCP; a server that was silent a moment ago gets little time."""
        silent = self._silent_since
        brief = silent is not None and time.monotonic() - silent < SILENT_SECONDS
        try:
            try:
                limit = BRIEF_SECONDS if brief else UDP_SECONDS
                found = self._wire.ask(self._route("udp", limit), name, rdtype, key)
            except Unreachable:
                if brief:
                    raise
                found = self._wire.ask(self._route("tcp", TCP_SECONDS), name, rdtype, key)
        except Unreachable:
            if not brief:
                self._silent_since = time.monotonic()
            raise
        self._silent_since = None
        return found


class DnsHands(DnsReader, Writer):
    """Updates of one server; never one that leaves a name empty."""

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """As for a reader; the server must also take our key. Raises AccessDenied."""
        hands = super().open(target, context)
        hands.check_key()
        return hands

    def replace(self, old: Answer, values: tuple[str, ...], ttl: Duration) -> None:
        """Exchange a name's values if they are still the old ones (compare and swap).

        No old values: there must be none now. A reply that is lost is answered by asking again
        before the update is repeated. Raises Refused when the values are not the old ones,
        AccessDenied, StepFailed, or Unreachable.
        """
        new = tuple(sorted(values))
        if not new:
            raise Refused(self.subject, f"the update would leave {old.name} empty", "a value")
        change = Replacement(old.name, old.rdtype, old.values, new, round(ttl.seconds))
        wanted = old.model_copy(update={"values": new, "ttl": Duration(float(change.ttl))})
        for transport in ("udp", "tcp"):
            try:
                route = self._route(transport, UPDATE_SECONDS)
                code = self._wire.replace(route, self.zone, change, self._key())
            except ReplyLost:
                if self._carried_out(old, wanted):
                    return
                continue
            except Unreachable:
                if transport == "tcp":
                    raise
                continue
            self._judge(code, old, wanted)
            return
        raise Unreachable(self.subject, "does not answer updates")

    def _judge(self, code: str, old: Answer, wanted: Answer) -> None:
        if code == "NOERROR":
            return
        if code in TURNED_AWAY:
            raise self._denied(code)
        if code not in PREREQUISITE_FAILED:
            raise StepFailed(self.subject, f"answers {code} to the update of {old.name}")
        if not self._carried_out(old, wanted):
            raise Refused(
                self.subject, f"refuses the update of {old.name} ({code})", f"{old} there"
            )

    def _carried_out(self, old: Answer, wanted: Answer) -> bool:
        """Ask what is there now; raises Refused when it is neither the old nor the new."""
        now = self.answer(old.name, old.rdtype)
        if now == wanted:
            return True
        if now.values != old.values:
            raise Refused(
                self.subject,
                f"{old.name} is {now} by now: the plan is stale",
                str(old),
                "look who changed it, then plan again",
            )
        return False

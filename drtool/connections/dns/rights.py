"""What one DNS server lets our key do, found out without a change."""

from __future__ import annotations

from drtool.connections.dns.question import Replacement, Transport
from drtool.connections.dns.server import PREREQUISITE_FAILED, TURNED_AWAY, Answer, DnsReader
from drtool.errors import AccessDenied, StepFailed, Unreachable
from drtool.units import Duration

TRY_SECONDS = 0.7


class RightsReader(DnsReader):
    """Reads of one server, and trials of our key that change nothing."""

    def ahead_seconds(self) -> float | None:
        """How far its clock is ahead of ours, at least: a signed answer tells whole seconds.

        Raises AccessDenied when it does not take our key.
        """
        found = self._ask(self.zone, "SOA", self._key())
        if found.code in TURNED_AWAY:
            raise self._denied(found.code)
        if found.signed_at is None:
            return None
        ahead = found.signed_at - self._context.clock.wall().timestamp()
        return ahead if ahead > 0 else min(0.0, ahead + 1)

    def check_right(self, answer: Answer) -> None:
        """Ask for an update of a name to what it is already, one that cannot be carried out.

        Raises AccessDenied when our key may not change the name, StepFailed when the server
        does not keep prerequisites, Unreachable.
        """
        ttl = round((answer.ttl or Duration(1)).seconds)
        change = Replacement(answer.name, answer.rdtype, (), answer.values, ttl)
        try:
            code = self._tried(change)
        except AccessDenied as error:
            raise self._denied("BADKEY") from error  # so knot says it of a known key
        if code in TURNED_AWAY:
            raise self._denied(code)
        if code not in PREREQUISITE_FAILED:
            raise StepFailed(
                self.subject,
                f"answers {code} to an update whose prerequisites cannot hold",
                "a refusal: without it a stale plan would be carried out",
                "let the server keep RFC 2136, section 3.2",
            )

    def _tried(self, change: Replacement) -> str:
        def over(transport: Transport) -> str:
            route = self._route(transport, TRY_SECONDS)
            return self._wire.try_update(route, self.zone, change, self._key())

        try:
            return over("udp")
        except Unreachable:
            return over("tcp")

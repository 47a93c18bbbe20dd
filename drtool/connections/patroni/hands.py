"""What Patroni is told to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import JsonValue

from drtool.connections.patroni.reader import PatroniReader, answering_first
from drtool.connections.reach import Context, Writer
from drtool.errors import AccessDenied, DrtoolError, Refused, StepFailed, Unreachable

CHANGE_SECONDS = 10.0
# Patroni answers a switchover when it is over, or after twice its loop_wait at the longest.
SWITCH_SECONDS = 40.0


class PatroniHands(PatroniReader, Writer):
    """Changes of one cluster; all are requests that Patroni's members carry out by themselves."""

    @classmethod
    def open(cls, target: str, context: Context) -> Self:
        """Ready to change the cluster ``site.system``.

        Asks for a switchover from nobody, which Patroni refuses to everybody (400), so that a
        wrong password is told before it matters. Raises AccessDenied for one.
        """
        hands = super().open(target, context)
        try:
            hands.check_password()
        except AccessDenied:
            hands.close()
            raise
        return hands

    def configure(self, changed: Mapping[str, JsonValue]) -> None:
        """Change the shared configuration: what is None is removed, the rest merged.

        Raises StepFailed with Patroni's own reason, InDoubt when no reply came.
        """
        url = self._steering()
        response = self._ask("PATCH", url, "/config", dict(changed), CHANGE_SECONDS)
        if response.status_code != 200:
            why = {
                409: "somebody else changed it at the same moment",
                503: "its DCS holds no configuration",
            }
            said = why.get(response.status_code, _said(response))
            raise StepFailed(self.subject, f"PATCH {url}/config: {said} ({response.status_code})")

    def switch(self, leader: str, candidate: str) -> None:
        """Have another member lead; both by Patroni's names.

        Raises Refused when Patroni says that it cannot be, StepFailed when it did not come about.
        """
        wanted = {"leader": leader, "candidate": candidate}
        response = self._ask("POST", self._steering(), "/switchover", wanted, SWITCH_SECONDS)
        said = f"POST /switchover to {candidate}: {_said(response)} ({response.status_code})"
        if response.status_code in {400, 412}:
            raise Refused(self.subject, said)
        if response.status_code >= 300:
            raise StepFailed(self.subject, said)

    def _steering(self) -> str:
        """The member to tell: the leader, or any that answers."""
        nodes = self.nodes()
        answering = answering_first(nodes)
        if not answering:
            said = "; ".join(map(str, nodes))
            raise Unreachable(self.subject, f"no member's REST API answers: {said}")
        return self.system.members[answering[0].name].url

    def check_password(self) -> None:
        """Raises AccessDenied when our user or password is wrong; nothing else is judged."""
        try:
            self._ask("POST", self._steering(), "/switchover", {"candidate": "nobody"})
        except AccessDenied:
            raise
        except DrtoolError:
            return


def _said(response: Any) -> str:
    """Patroni's own words; its errors without words come as a page of HTML."""
    text = " ".join(str(response.text).split())
    return "no reason given" if not text or text.startswith("<") else text[:300]

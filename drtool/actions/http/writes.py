"""Whether a service takes writes, as a customer would send them."""

from __future__ import annotations

import json
import shlex
from uuid import uuid4

from pydantic import Field, JsonValue

from drtool.action import Command, Facts, Hands, Target
from drtool.actions.http.page import (
    URL,
    curl_limits,
    error_told,
    other_site_named,
    page,
    reason_not_expected,
)
from drtool.connections.http import HttpHands, Reply
from drtool.connections.reach import Reader
from drtool.connections.typed import typed
from drtool.errors import BadInput, DrtoolError, StepFailed
from drtool.model.change import Change
from drtool.model.inventory import Plain
from drtool.model.purpose import Purpose
from drtool.model.value import Fields, Value
from drtool.units import Duration

_PATH = r"^/\S*$"
_NOT_THERE = frozenset({404, 410})


class Written(Value):
    """A probe that the service accepted, and that was read back by its id.

    ``address`` and ``site`` are where the name led. ``left_behind`` says why the probe could
    not be taken away again, and is empty when it was.
    """

    id: str
    url: str
    address: str
    site: str
    status: int
    seconds: float
    left_behind: str = ""


class Writes(Command[Written]):
    """Place a marked order through the service's own name, read it back, take it away.

    It fails when

    - the name leads to another address than that of the site at ``at``;
    - the service does not accept the order;
    - the order cannot be read back by its id, which is new each time, so that no cache can know it;
    - it was gone again before it could be taken away;
    - a JSON reply says ``error``, ``errors`` or ``success: false``, whatever its status;
    - a reply names another site of the inventory, by name or address, as the value of a field.

    In ``path``, ``body``, ``read_back``, ``clean_up`` and ``contains``, ``{id}`` stands for that
    id, ``{run}`` and ``{step}`` for what sent it. Running it twice does no harm: it is tried until
    it passes or the deadline ends.
    """

    purpose = Purpose.VERIFY
    target = Target.SITE
    one_way = False
    may_set_purpose = False
    from_outside = True
    default_deadline = Duration(60)

    url: Plain | None = Field(default=None, description=URL)
    path: str = Field(default="/orders", pattern=_PATH, description="Where to POST.")
    body: Fields = Field(
        default={"id": "{id}", "item": "drtool {run} {step}", "probe": True},
        description="The order, marked as a probe; sent as JSON.",
    )
    status: tuple[int, ...] = Field(default=(200, 201), description="The codes for accepted.")
    read_back: str = Field(
        default="/orders/{id}", pattern=_PATH, description="Where to GET what was written."
    )
    contains: str = Field(default="{id}", description="What must stand in what is read back.")
    clean_up: str | None = Field(
        default="/orders/{id}", pattern=_PATH, description="What to DELETE afterwards."
    )
    timeout: Duration = Field(default=Duration(2), description="How long each request may take.")
    ca_file: Plain | None = Field(
        default=None, description="The authority to believe; default: the machine's own."
    )

    def preview(self, facts: Facts) -> list[Change]:
        """What is written, and that it is taken away."""
        after = "one marked order placed, read back and taken away"
        return [Change(subject=page(facts, self.url, self.path), before="as it is", after=after)]

    def run(self, hands: Hands) -> Written:
        """Write, read back, clean up. Raises StepFailed, Unreachable or InDoubt."""
        probe = _Probe(self, hands)
        try:
            written = probe.place()
            probe.read_back()
        finally:
            left = probe.clean_up()
        probe.require_kept()
        return Written(
            id=probe.id,
            url=written.url,
            address=written.address,
            site=probe.site,
            status=written.status,
            seconds=written.seconds,
            left_behind=left,
        )

    def by_hand(self, facts: Facts) -> list[str]:
        """The three requests, and where they must lead."""
        site, address = expected_site(facts)
        names = {"{id}": "'\"$id\"'", "{run}": facts.run, "{step}": facts.step}
        limits = shlex.join(curl_limits(self.timeout, self.ca_file))
        json_kind = "-H 'Content-Type: application/json'"

        def word(text: str) -> str:
            found = shlex.quote(text)
            for name, value in names.items():
                found = found.replace(name, value)
            return found

        url, back = page(facts, self.url, self.path), page(facts, self.url, self.read_back)
        lines = [
            f"{url} must lead to {address} ({site}).",
            typed("id=$(uuidgen || cat /proc/sys/kernel/random/uuid)"),
            typed(f"curl -sSi {limits} {json_kind} -d {word(json.dumps(self.body))} {word(url)}"),
            f"The status must be {' or '.join(map(str, self.status))}.",
            typed(f"curl -sSi {limits} {word(back)}"),
            f"It must show {self.contains.replace('{id}', 'that id')}.",
        ]
        if self.clean_up:
            gone = word(page(facts, self.url, self.clean_up))
            lines.append(typed(f"curl -sSi {limits} -X DELETE {gone}"))
        return lines

    def needs(self, facts: Facts) -> list[tuple[type[Reader], str]]:
        """The means to send."""
        del facts
        return [(HttpHands, "")]


class _Probe:
    """One marked order on its way."""

    def __init__(self, step: Writes, hands: Hands) -> None:
        self._step, self._facts, self._http = step, hands.facts, hands.reach(HttpHands, "")
        self.id = str(uuid4())
        self.site, self._address = expected_site(hands.facts)
        self._sent = self._missed = False

    def place(self) -> Reply:
        """Write it, once it is sure that the name leads to the right site."""
        url = self._url(self._step.path)
        self._require_address(url, self._http.address(url))
        self._sent = True
        reply = self._http.send(
            "POST",
            url,
            json.dumps(self._filled(self._step.body)),
            idempotency_key=f"{self._facts.run}-{self._facts.step}-{self.id}",
            seconds=self._step.timeout.seconds,
            ca_file=self._step.ca_file,
        )
        self._require(reply, self._step.status, ())
        return reply

    def read_back(self) -> None:
        """Look for it by its id."""
        url = self._url(self._step.read_back)
        reply = self._http.get(url, self._step.timeout.seconds, self._step.ca_file)
        self._require(reply, (200,), (self._text(self._step.contains),))

    def clean_up(self) -> str:
        """Take it away, whatever became of it; why that failed, or ""."""
        if not (self._sent and self._step.clean_up):
            return ""
        try:
            reply = self._http.send(
                "DELETE",
                self._url(self._step.clean_up),
                seconds=self._step.timeout.seconds,
                ca_file=self._step.ca_file,
            )
        except DrtoolError as error:
            return error.line()
        self._missed = reply.status in _NOT_THERE
        return "" if reply.status < 300 else f"DELETE answered {reply.status}"

    def require_kept(self) -> None:
        """What is not there to be taken away must still be readable: no commit, no order."""
        if not self._missed:
            return
        try:
            self.read_back()
        except StepFailed as error:
            raise StepFailed(
                f"order {self.id}",
                f"was acknowledged and read back, and is gone: {error.found}",
                "an order that stays until it is taken away",
                "does the service acknowledge orders before their commit?",
            ) from error

    def _require(self, reply: Reply, status: tuple[int, ...], contains: tuple[str, ...]) -> None:
        self._require_address(reply.url, reply.address)
        reason = reason_not_expected(reply, status, contains, ())
        if reason:
            raise StepFailed(f"step {self._facts.step}", reason)
        told = error_told(reply)
        if told:
            raise StepFailed(
                f"{reply.method} {reply.url}",
                f"answered {reply.status}, yet says {told}",
                "no error",
            )
        other = other_site_named(reply, self._facts.inventory, self.site)
        if other:
            raise StepFailed(
                f"{reply.method} {reply.url}", f"the reply says it was done at {other}", self.site
            )

    def _require_address(self, url: str, address: str) -> None:
        if address != self._address:
            raise StepFailed(url, f"leads to {address}", f"{self._address} ({self.site})")

    def _url(self, path: str) -> str:
        return page(self._facts, self._step.url, self._text(path))

    def _text(self, text: str) -> str:
        for name, value in (
            ("{id}", self.id),
            ("{run}", self._facts.run),
            ("{step}", self._facts.step),
        ):
            text = text.replace(name, value)
        return text

    def _filled(self, value: JsonValue) -> JsonValue:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {key: self._filled(part) for key, part in value.items()}
        return [self._filled(part) for part in value] if isinstance(value, list) else value


def expected_site(facts: Facts) -> tuple[str, str]:
    """The site that must answer, and its address; raises BadInput when the step names none."""
    site = facts.at.site if facts.at else facts.direction.to_site
    if site is None or site not in facts.inventory.sites:
        raise BadInput(f"step {facts.step}", "no site is named that must answer", "at: SITE")
    return site, facts.inventory.sites[site].address
